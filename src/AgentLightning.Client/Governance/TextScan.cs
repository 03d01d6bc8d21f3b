using System.Buffers;
using System.Text;

namespace AgentLightning.Governance;

/// <summary>
/// Finds what must not be stored in a text. Vectorised searches go over the whole of it for the few beginnings that a finding can have;
/// only there a pattern looks closer. Clean text costs the searches, and no memory.
/// </summary>
internal static class TextScan
{
    /// <summary>Of names; kept apart from the keys, because a search for more than 80 beginnings is several times slower.</summary>
    private static readonly SearchValues<string> s_names = SearchValues.Create(
        [
            "password",
            "pass:",
            "pass=",
            "pw:",
            "pw=",
            "passwd",
            "passwort",
            "passphrase",
            "pwd",
            "kennwort",
            "contrase",
            "senha",
            "mot de passe",
            "wachtwoord",
            "secret",
            "token",
            "credential",
            "authorization",
            "cookie",
            "connection string",
            "connection_string",
            "connection-string",
            "connectionstring",
            "account_key",
            "accountkey",
            "shared_access",
            "sharedaccess",
            "api key",
            "api_key",
            "api-key",
            "apikey",
            "access key",
            "access_key",
            "access-key",
            "accesskey",
            "private_key",
            "private-key",
            "privatekey",
            "signing_key",
            "signingkey",
            "encryption_key",
            "encryptionkey",
            "master_key",
            "masterkey",
            "subscription-key",
            "subscription_key",
            "subscriptionkey",
            "bearer",
            "sig=",
            "x-amz-",
            "curl ",
            "docker login ",
        ],
        StringComparison.OrdinalIgnoreCase
    );

    private static readonly SearchValues<string> s_foreign = SearchValues.Create(
        ["lösenord", "пароль", "Пароль", "密码", "密碼", "パスワード", "비밀번호"],
        StringComparison.Ordinal
    );

    /// <summary>
    /// Every one of those names has one of these: to look for a single character is far cheaper than for a name that is not ASCII.
    /// </summary>
    private static readonly SearchValues<char> s_foreignSigns = SearchValues.Create("öпП密パ비");

    /// <summary>Of all that has a shape of its own, <c>://:p@h</c> is the shortest.</summary>
    private const int ShortestKey = 7;

    /// <summary>Adds what is found, in no order; the list is made with the first finding.</summary>
    /// <param name="key">The name of the JSON property whose value the text is, or nothing.</param>
    public static void Find(ReadOnlySpan<char> text, ReadOnlySpan<char> key, AgentRedaction what, ref List<Finding>? found)
    {
        if (what.Secrets)
        {
            FindNamed(text, s_names, ref found);
            if (text.Length >= ShortestKey)
            {
                FindKeys(text, ref found);
                FindMarkedKeys(text, ref found);
            }

            // Nearly all texts are ASCII, which is told far faster than whether one of those signs is in them.
            if (!Ascii.IsValid(text) && text.ContainsAny(s_foreignSigns))
            {
                FindNamed(text, s_foreign, ref found);
            }
        }

        if (what.Pii)
        {
            FindEmails(text, ref found);
            FindNumbers(text, key, ref found);
            FindIpv6(text, ref found);
        }
    }

    /// <summary>Values behind a telling name.</summary>
    private static void FindNamed(ReadOnlySpan<char> text, SearchValues<string> names, ref List<Finding>? found)
    {
        for (var i = 0; i < text.Length; )
        {
            var at = text[i..].IndexOfAny(names);
            if (at < 0)
            {
                return;
            }

            i += at;
            if (i > 0 && text[i - 1] == '[' && text[i..].IndexOf(']') is >= 0 and var close && Placeholder.Is(text.Slice(i - 1, close + 2)))
            {
                i += close;
                continue;
            }

            var (start, end) = (i, -1);
            if ((text[i] | 0x20) == 'b' && text[i] != '\u0002' && (end = SecretShapes.MatchBearer(text, ref start)) >= 0)
            {
                (found ??= []).Add(new Finding(start, end, FindingKind.Redacted));
                i = end;
                continue;
            }

            start = i;
            if ((end = SecretShapes.MatchQuery(text, ref start)) >= 0)
            {
                (found ??= []).Add(new Finding(start, end, FindingKind.Secret));
            }
            else if (SecretAssignments.TryCommand(text, i, out var finding))
            {
                // Between the command and its password there may be other names.
                (found ??= []).Add(finding);
            }
            else if (SecretAssignments.TryMatch(text, i, out finding))
            {
                (found ??= []).Add(finding);
                end = finding.End;
            }

            i = Math.Max(i + 1, end);
        }
    }

    /// <summary>Keys whose beginning is unlike any word.</summary>
    private static void FindKeys(ReadOnlySpan<char> text, ref List<Finding>? found)
    {
        for (var i = 0; i < text.Length; )
        {
            var at = text[i..].IndexOfAny(SecretShapes.Beginnings);
            if (at < 0)
            {
                return;
            }

            i += at;
            var start = i;
            var end = SecretShapes.MatchKey(text, ref start);
            if (end >= 0)
            {
                (found ??= []).Add(new Finding(start, end, FindingKind.Secret));
            }

            i = Math.Max(i + 1, end);
        }
    }

    /// <summary>
    /// Keys whose beginning ends in a sign, as most do today: <c>ghp_</c>, <c>sk-</c>. One search for the sign finds all of them, however
    /// many there are.
    /// </summary>
    private static void FindMarkedKeys(ReadOnlySpan<char> text, ref List<Finding>? found)
    {
        for (var i = 0; i < text.Length; )
        {
            var at = text[i..].IndexOfAny('_', '-', '~');
            if (at < 0)
            {
                return;
            }

            i += at;
            var end = SecretShapes.MatchMarked(text, i, out var start);
            if (end >= 0)
            {
                (found ??= []).Add(new Finding(start, end, FindingKind.Secret));
            }

            i = Math.Max(i + 1, end);
        }
    }

    private static void FindEmails(ReadOnlySpan<char> text, ref List<Finding>? found)
    {
        for (var i = 0; i < text.Length; )
        {
            var at = text[i..].IndexOfAny('@', '%');
            if (at < 0)
            {
                return;
            }

            i += at;
            var length =
                text[i] == '@' ? 1
                : text[i..].StartsWith("%40", StringComparison.Ordinal) ? 3
                : 0;
            if (length > 0 && Addresses.TryEmail(text, i, length, out var finding))
            {
                (found ??= []).Add(finding);
                i = finding.End;
            }
            else
            {
                i++;
            }
        }
    }

    private static void FindNumbers(ReadOnlySpan<char> text, ReadOnlySpan<char> key, ref List<Finding>? found)
    {
        for (var i = 0; i < text.Length; )
        {
            var at = text[i..].IndexOfAnyInRange('0', '9');
            if (at < 0)
            {
                return;
            }

            i += at;
            var matched =
                i > 1 && char.IsAsciiLetter(text[i - 1]) && char.IsAsciiLetter(text[i - 2])
                    ? PersonalNumbers.TryIban(text, i - 2, out var finding)
                    : (TextEdges.BeginsNumber(text, i) || (i > 0 && text[i - 1] == '/')) && Addresses.TryIpv4(text, i, key, out finding)
                        || PersonalNumbers.TryMatch(text, i, key, out finding);
            if (matched)
            {
                (found ??= []).Add(finding);
                i = finding.End;
                continue;
            }

            // The rest of a number or of a word that holds one begins nothing of its own.
            while (i < text.Length && TextEdges.IsWord(text[i]))
            {
                i++;
            }
        }
    }

    private static void FindIpv6(ReadOnlySpan<char> text, ref List<Finding>? found)
    {
        for (var i = 0; i < text.Length; )
        {
            var at = text[i..].IndexOf(':');
            if (at < 0)
            {
                return;
            }

            i += at;
            if (Addresses.TryIpv6(text, i, out var next, out var finding))
            {
                (found ??= []).Add(finding);
            }

            i = next;
        }
    }
}
