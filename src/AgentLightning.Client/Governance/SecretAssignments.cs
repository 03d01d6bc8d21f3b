using System.Buffers;
using System.Text.RegularExpressions;

namespace AgentLightning.Governance;

/// <summary>
/// Values behind a telling name, in any of the forms people and programs write: <c>password=…</c>, <c>"api_key": "…"</c>, <c>--token …</c>,
/// <c>my password is …</c>, <c>&lt;secret&gt;…&lt;/secret&gt;</c>. The name alone says nothing ("password reset mail"), so the value must
/// look like one; <see cref="SecretWords"/> tells.
/// </summary>
internal static partial class SecretAssignments
{
    private const int Milliseconds = 2_000;
    private const int LongestValue = 4_096;
    private static readonly SearchValues<char> s_lineEnds = SearchValues.Create("\r\n\"'<>`");
    private static readonly SearchValues<char> s_queryEnds = SearchValues.Create(" \t\r\n\"'`<>;\\");
    private static readonly SearchValues<char> s_valueEnds = SearchValues.Create(" \t\r\n\"'`<>,;&(){}[]|\\\u3000，。、；");

    /// <summary>The value behind the name at <paramref name="at"/>.</summary>
    public static bool TryMatch(ReadOnlySpan<char> text, int at, out Finding finding)
    {
        finding = default;
        var kind = NameKind.Password;
        var end = EndOf(PasswordName(), text, at);
        if (end < 0)
        {
            (kind, end) = (NameKind.Whole, EndOf(WholeName(), text, at));
        }

        if (end < 0)
        {
            (kind, end) = (NameKind.Key, EndOf(KeyName(), text, at));
        }

        if (end < 0)
        {
            (kind, end) = (NameKind.Token, EndOf(TokenName(), text, at));
        }

        return end >= 0 && TryValue(text, at, end, kind, out finding);
    }

    private static bool TryValue(ReadOnlySpan<char> text, int at, int nameEnd, NameKind kind, out Finding finding)
    {
        finding = default;
        var form = ValueForm.Sign;
        var start = EndOf(Sign(), text, nameEnd);
        if (start < 0 && nameEnd < text.Length && text[nameEnd] == '>' && BeginsTag(text, at))
        {
            (form, start) = (ValueForm.Tag, nameEnd + 1);
        }

        if (start < 0 && (start = EndOf(Verb(), text, nameEnd)) > 0)
        {
            form = ValueForm.Prose;
        }

        if (start < 0 && (IsOption(text, at) || IsEnvironment(text, at)) && nameEnd < text.Length && text[nameEnd] == ' ')
        {
            (form, start) = (ValueForm.Option, nameEnd + 1);
        }

        if (start < 0)
        {
            return false;
        }

        if (
            form == ValueForm.Sign
            && text[nameEnd..start].IndexOf('=') is >= 0 and var equals
            && !text[nameEnd..start].ContainsAny(' ', '\t', ':')
        )
        {
            form = text[nameEnd..start][(equals + 1)..].StartsWith("=") ? ValueForm.Comparison : ValueForm.Tight;
        }

        var scheme = EndOf(Scheme(), text, start);
        start = Math.Max(start, scheme);
        var (from, to, quoted) = Read(
            text,
            start,
            kind,
            form,
            takesQuery: (text[at] | 0x20) is 's' or 'a' && text[at..nameEnd].StartsWith("shared", StringComparison.OrdinalIgnoreCase)
        );
        var value = text[from..to];
        if (value.IsEmpty || !SecretWords.MayBeSecret(value, kind, form, quoted, scheme > 0, text[to..]))
        {
            return false;
        }

        // Only so much is looked at to decide; all of it goes.
        while (!quoted && to == start + LongestValue && to < text.Length && !char.IsWhiteSpace(text[to]))
        {
            to++;
        }

        finding = new Finding(from, to, FindingKind.Redacted);
        return true;
    }

    /// <summary>Where the value lies: between its quotes, or up to the first sign that cannot belong to it.</summary>
    private static (int From, int To, bool Quoted) Read(ReadOnlySpan<char> text, int start, NameKind kind, ValueForm form, bool takesQuery)
    {
        var slashes = start;
        while (slashes < text.Length && text[slashes] == '\\' && slashes - start < 8)
        {
            slashes++;
        }

        var rest = text[..Math.Min(text.Length, start + LongestValue)];
        if (slashes < text.Length && text[slashes] is '"' or '\'' or '`')
        {
            return ReadQuoted(text, slashes, slashes - start);
        }

        if (form == ValueForm.Tag)
        {
            var close = rest[start..].IndexOf('<');
            return (start, close < 0 ? start : start + close, true);
        }

        var stop =
            kind == NameKind.Whole
                ? rest[start..].IndexOfAny(s_lineEnds)
                : rest[start..].IndexOfAny(takesQuery ? s_queryEnds : s_valueEnds);
        var to = stop < 0 ? rest.Length : start + stop;
        if (kind != NameKind.Whole && to > start && char.IsAscii(text[start]))
        {
            // Where words have no blanks between them, the sentence goes on right behind the value.
            var sentence = text[start..to].IndexOfAnyInRange('\u2E80', '\uFFEF');
            to = sentence < 0 ? to : start + sentence;
        }

        while (to > start && (text[to - 1] is '.' or ',' or ';' or ':' or ' ' || (form == ValueForm.Prose && text[to - 1] is '!' or '?')))
        {
            to--;
        }

        return (start, to, false);
    }

    private static (int From, int To, bool Quoted) ReadQuoted(ReadOnlySpan<char> text, int quote, int slashes)
    {
        for (var i = quote + 1; i < text.Length; i++)
        {
            if (text[i] == '\n')
            {
                return (quote + 1, i, true);
            }

            if (text[i] == '\\' && slashes == 0)
            {
                i++;
            }
            else if (text[i] == text[quote])
            {
                // Quotes inside quotes have as many strokes before the closing one as before the opening one.
                return (quote + 1, Math.Max(quote + 1, i - slashes), true);
            }
        }

        return (quote + 1, text.Length, true);
    }

    private static bool BeginsTag(ReadOnlySpan<char> text, int at)
    {
        var i = at;
        while (i > 0 && at - i < 40 && (TextEdges.IsWord(text[i - 1]) || text[i - 1] is '-' or ':' or '.'))
        {
            i--;
        }

        return i > 0 && text[i - 1] == '<';
    }

    private static bool IsOption(ReadOnlySpan<char> text, int at)
    {
        var i = at;
        while (
            i > 0
            && at - i < 40
            && (char.IsAsciiLetterOrDigit(text[i - 1]) || (text[i - 1] == '-' && i > 1 && char.IsAsciiLetterOrDigit(text[i - 2])))
        )
        {
            i--;
        }

        return i > 1 && text[i - 1] == '-' && text[i - 2] == '-';
    }

    /// <summary>
    /// The user and password that a command takes: <c>curl -u name:password</c>, <c>docker login -p password</c>. Its beginning and end.
    /// </summary>
    public static bool TryCommand(ReadOnlySpan<char> text, int at, out Finding finding)
    {
        finding = default;
        var start = TextEdges.BeginsWord(text, at) ? EndOf(CommandOption(), text, at) : -1;
        if (start < 0)
        {
            return false;
        }

        var length = text[start..].IndexOfAny(s_valueEnds);
        var end = length < 0 ? text.Length : start + length;
        var value = text[start..end];
        // A name with a password behind it, or a password that is no word of a sentence about the command.
        var isLikely = (text[at] | 0x20) == 'c' ? value.IndexOf(':') > 0 : value.ContainsAnyInRange('0', '9');
        if (!isLikely || value[0] == '$')
        {
            return false;
        }

        finding = new Finding(start, end, FindingKind.Redacted);
        return true;
    }

    /// <summary><c>ENV REDIS_PASSWORD value</c> of a container file.</summary>
    private static bool IsEnvironment(ReadOnlySpan<char> text, int at)
    {
        var start = at;
        while (start > 0 && at - start < 64 && (char.IsAsciiLetterUpper(text[start - 1]) || text[start - 1] == '_'))
        {
            start--;
        }

        return start >= 4 && text[(start - 4)..start] is "ENV " && (start == 4 || text[start - 5] is '\n' or ' ' or '\t' or '"');
    }

    private static int EndOf(Regex pattern, ReadOnlySpan<char> text, int start)
    {
        var matches = pattern.EnumerateMatches(text, start);
        return matches.MoveNext() ? matches.Current.Index + matches.Current.Length : -1;
    }

    [GeneratedRegex(
        @"\G(?>(?:(?<![A-Za-z0-9])p(?:ass|w)(?=[:=])|password|passwd|passwort|passphrase|pwd|kennwort|contraseña|contrasena|"
            + @"senha|mot de passe|wachtwoord|lösenord|пароль|密码|密碼|パスワード|비밀번호)(?:[_-]?(?:value|hash|text|string|"
            + @"[0-9]{1,2}))?)(?![A-Za-z0-9_])",
        RegexOptions.IgnoreCase,
        Milliseconds
    )]
    private static partial Regex PasswordName();

    [GeneratedRegex(
        @"\G(?>connection[ _-]?string|set-cookie|cookie)(?:[_-]?[0-9])?(?![A-Za-z0-9_])",
        RegexOptions.IgnoreCase,
        Milliseconds
    )]
    private static partial Regex WholeName();

    [GeneratedRegex(
        @"\G(?>account_?key|shared_?access_?(?:signature|key)|(?:api|access|private|signing|encryption|master|"
            + @"subscription)[ _-]?key|authorization|credentials?|secret)(?:[_-]?(?:value|key|hash|access[_-]?key|string|text|"
            + @"[0-9]{1,2}))?(?![A-Za-z0-9_])",
        RegexOptions.IgnoreCase,
        Milliseconds
    )]
    private static partial Regex KeyName();

    [GeneratedRegex(
        @"\G(?>token)(?:[_-]?(?:value|key|hash|string|secret|[0-9]{1,2}))?(?![A-Za-z0-9_])",
        RegexOptions.IgnoreCase,
        Milliseconds
    )]
    private static partial Regex TokenName();

    [GeneratedRegex(
        @"\G(?:curl [^\r\n]{0,200}?(?<= )(?:-u|--user)|docker login [^\r\n]{0,200}?(?<= )-p)[ =][""']?",
        RegexOptions.IgnoreCase,
        Milliseconds
    )]
    private static partial Regex CommandOption();

    [GeneratedRegex(@"\G\\{0,8}[""'`]?\]?[ \t]{0,4}(?>=>|:=|!==?|={1,3}|::?|：)[ \t]{0,4}", RegexOptions.None, Milliseconds)]
    private static partial Regex Sign();

    [GeneratedRegex(@"\G(?> (?:is now|is|was|ist|lautet|es|est|é|är|wordt|to)[ :]{1,2}|是|为|は)", RegexOptions.IgnoreCase, Milliseconds)]
    private static partial Regex Verb();

    [GeneratedRegex(@"\G(?>\\{0,8}[""']?(?:bearer|basic|digest|negotiate|apikey|token|bot)[ \t]+)", RegexOptions.IgnoreCase, Milliseconds)]
    private static partial Regex Scheme();
}
