using System.Buffers;
using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace AgentLightning.Governance;

/// <summary>How sure a name is about its value.</summary>
internal enum NameKind
{
    /// <summary>Passwords may be plain words.</summary>
    Password,

    /// <summary>Connection strings and cookies: the value goes to the end of its line.</summary>
    Whole,

    /// <summary>Keys and secrets.</summary>
    Key,

    /// <summary>Tokens, which more often are parts of a text or counts.</summary>
    Token,
}

/// <summary>How name and value are joined.</summary>
internal enum ValueForm
{
    /// <summary><c>name: value</c> or <c>name = value</c>.</summary>
    Sign,

    /// <summary><c>name=value</c>.</summary>
    Tight,

    /// <summary><c>name == value</c>.</summary>
    Comparison,

    /// <summary><c>&lt;name&gt;value&lt;/name&gt;</c>.</summary>
    Tag,

    /// <summary>name is value.</summary>
    Prose,

    /// <summary><c>--name value</c>.</summary>
    Option,
}

/// <summary>Tells a secret from what else stands behind such a name: a type, a variable, a call, a word of a sentence, a count.</summary>
internal static partial class SecretWords
{
    private static readonly SearchValues<char> s_masks = SearchValues.Create("*•.xX-_ ?");
    private static readonly SearchValues<char> s_signs = SearchValues.Create("!@#$%^&*+=~");
    private static readonly FrozenSet<string> s_words = (
        "null none nil undefined true false string str text varchar char bool boolean int integer number object any void required "
        + "optional empty missing invalid expired hidden redacted "
        + "password passwd pwd secret token key changed reset yes no n/a na unknown incorrect wrong ok failed denied granted default "
        + "value input type uuid guid bearer basic the a an your my "
        + "new old current this that not must should ist nicht und pas obligatoire requis falsch vergessen erforderlich undefined; eof "
        + "base64 sha256 sha-256 md5 utf-8 utf8 oauth2 http http/1.1 rs256 hs256 jwt x509 2fa"
    )
        .Split(' ')
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool MayBeSecret(
        ReadOnlySpan<char> value,
        NameKind kind,
        ValueForm form,
        bool quoted,
        bool scheme,
        ReadOnlySpan<char> after
    )
    {
        if (
            Placeholder.Is(value)
            || s_words.GetAlternateLookup<ReadOnlySpan<char>>().Contains(value)
            || Reference().IsMatch(value)
            || !value.ContainsAnyExcept(s_masks)
        )
        {
            return false;
        }

        if (!quoted && (form == ValueForm.Comparison || after is ['(' or '[' or '{', ..]))
        {
            return false;
        }

        if (scheme && value.Length >= 8)
        {
            return true;
        }

        if (kind == NameKind.Whole)
        {
            return value.Contains('=') || (quoted && value.Length >= 16 && value.ContainsAnyInRange('0', '9'));
        }

        var digits = value.ContainsAnyInRange('0', '9');
        if (quoted && form != ValueForm.Tag && value.Count(' ') >= 2 && !digits)
        {
            // A message to people, such as "Please enter your password".
            return false;
        }

        return form == ValueForm.Prose ? MayBeInProse(value, digits)
            : digits || value.ContainsAny(s_signs) ? HasLength(value, kind, quoted)
            : MayBeLetters(value, kind, form, quoted, after);
    }

    /// <summary>In a sentence only what is no word: at least five characters, a digit among them, or signs between letters.</summary>
    private static bool MayBeInProse(ReadOnlySpan<char> value, bool digits) =>
        value.Length >= 5
        && ((digits && value.ContainsAnyExceptInRange('0', '9')) || value.ContainsAny(s_signs) || (digits && value.Length >= 6))
        && !Hyphenated().IsMatch(value);

    private static bool HasLength(ReadOnlySpan<char> value, NameKind kind, bool quoted)
    {
        if (!value.ContainsAnyExceptInRange('0', '9'))
        {
            return value.Length >= (kind == NameKind.Password ? 4 : 8);
        }

        return value.Length
                >= (
                    kind == NameKind.Password
                        ? quoted
                            ? 2
                            : 3
                        : 6
                )
            && !Code().IsMatch(value)
            && (kind == NameKind.Password || !Variable().IsMatch(value));
    }

    /// <summary>Letters only: a password, or the name of a variable, a type or a thing.</summary>
    private static bool MayBeLetters(ReadOnlySpan<char> value, NameKind kind, ValueForm form, bool quoted, ReadOnlySpan<char> after)
    {
        if (
            value.Contains("password", StringComparison.OrdinalIgnoreCase)
            || value.Contains("token", StringComparison.OrdinalIgnoreCase)
            || value.Contains("secret", StringComparison.OrdinalIgnoreCase)
        )
        {
            return false;
        }

        if (kind == NameKind.Password)
        {
            var ends = after.TrimStart(' ') is [] or ['\n' or '\r' or ',' or ';' or '"' or '\'' or '<' or '&' or '\\' or '|', ..];
            return value.Length >= 4
                && (
                    quoted
                    || form is ValueForm.Tight or ValueForm.Option or ValueForm.Tag
                    || (ends && form == ValueForm.Sign && !Identifier().IsMatch(value))
                );
        }

        return (quoted || form is ValueForm.Tag) && value.Length >= (kind == NameKind.Key ? 12 : 16) && !value.Contains(' ');
    }

    /// <summary>
    /// A value that is fetched from somewhere else: <c>${NAME}</c>, <c>%NAME%</c>, <c>$env:NAME</c>, <c>process.env.NAME</c>,
    /// <c>&lt;your-key&gt;</c>.
    /// </summary>
    [GeneratedRegex(
        @"^(?:\$\{|\$\(|\$env:|\$[A-Z_][A-Z0-9_]*$|%[A-Za-z_][A-Za-z0-9_]*%$|\{\{|\{[A-Za-z_0-9.]+\}$|<[^>]*>?$|process\.env|"
            + @"os\.environ|env\.|@Microsoft\.KeyVault|vault:|your[-_]|ref\+|secrets?\.[a-z])",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Reference();

    [GeneratedRegex(
        @"^(?:[a-z]+|[0-9]+)(?:-(?:[a-z]+|[0-9]+))*$|^[0-9]+[-a-z]*$|^[0-9]+(?:-|st|nd|rd|th)|^[a-z]+[.'][a-z]+$",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Hyphenated();

    /// <summary>Code: <c>config.Key2</c>, <c>a->b1</c>, <c>http://…</c>.</summary>
    [GeneratedRegex(@"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|->|^https?://|^[./~][\w./-]*/|^v?\d+(?:\.\d+)+$|^\d{4}-\d\d-\d\d")]
    private static partial Regex Code();

    [GeneratedRegex(@"^[a-z]{1,6}\d?$")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^[a-z]+[A-Z]|[_.]")]
    private static partial Regex Identifier();
}
