using System.Text.RegularExpressions;

namespace AgentLightning.Governance;

/// <summary>
/// Secrets that are known by their shape, looked for only where one of <see cref="TextScan"/>'s beginnings stands. Each pattern is tied to
/// that place and never goes back over what it has read, so a text is read a bounded number of times, whatever is in it.
/// </summary>
internal static partial class SecretShapes
{
    private const int Milliseconds = 2_000;

    /// <summary>
    /// The end of the secret that begins at <paramref name="start"/>, or −1; the start is moved where the secret begins earlier or later.
    /// </summary>
    public static int Match(ReadOnlySpan<char> text, ref int start)
    {
        switch (text[start])
        {
            case ':':
                var end = EndOf(UserInfo(), text, start);
                start += "://".Length;
                return end < 0 ? -1 : end - 1;
            case '-':
                return EndOfPrivateKey(text, start);
            case 'Q':
                return EndOfAzureSecret(text, ref start);
            case 'h' when text[start..].StartsWith("hooks.slack.com/services/", StringComparison.Ordinal):
                end = EndOf(SlackHook(), text, start);
                start += "hooks.slack.com/services/".Length;
                return end;
            case 's' or 'S' when EndOf(Signature(), text, start) is > 0 and var begin:
                start = begin;
                return EndOf(SignatureValue(), text, start);
            case 'X' or 'x' when EndOf(AwsQuery(), text, start) is > 0 and var begin:
                start = begin;
                return EndOf(SignatureValue(), text, start);
            default:
                // A key inside a longer word is no key; it would also be read again and again from each of its letters.
                if (!TextEdges.BeginsWord(text, start) || (text[start] == 'e' && start > 0 && text[start - 1] == '-'))
                {
                    return -1;
                }

                end = EndOf(Key(), text, start);
                if (end < 0 || !LooksRandom(text[start..end]))
                {
                    return -1;
                }

                // What is longer than a pattern reads is a part of the key too.
                while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '-'))
                {
                    end++;
                }

                return end;
        }
    }

    /// <summary>The bearer token that follows the word at <paramref name="start"/>: its beginning and end, or −1.</summary>
    public static int MatchBearer(ReadOnlySpan<char> text, ref int start)
    {
        var begin = TextEdges.BeginsWord(text, start) ? EndOf(Bearer(), text, start) : -1;
        if (begin < 0)
        {
            return -1;
        }

        var end = EndOf(BearerValue(), text, begin);
        start = begin;
        // "bearer authentication" and "bearer of-bad-news" are words.
        return end > 0 && (text[begin..end].ContainsAnyInRange('0', '9') || end - begin >= 24) ? end : -1;
    }

    /// <summary>A class name such as <c>sk-fading-circle-wrapper</c> has neither digit nor capital.</summary>
    private static bool LooksRandom(ReadOnlySpan<char> key) =>
        !(
            key.StartsWith("sk-", StringComparison.Ordinal)
            || key.StartsWith("xox", StringComparison.Ordinal)
            || key.StartsWith("hf_", StringComparison.Ordinal)
        )
        || key[3..].ContainsAnyInRange('0', '9')
        || key[3..].ContainsAnyInRange('A', 'Z');

    /// <summary>Without an end everything that follows is taken for the key: half a key is a secret too.</summary>
    private static int EndOfPrivateKey(ReadOnlySpan<char> text, int start)
    {
        var begin = EndOf(PrivateKey(), text, start);
        if (begin < 0)
        {
            return -1;
        }

        var mark = text[begin..].IndexOf("-----END", StringComparison.Ordinal);
        if (mark < 0)
        {
            return text.Length;
        }

        var rest = begin + mark + "-----END".Length;
        var dashes = text[rest..].IndexOf("-----", StringComparison.Ordinal);
        return dashes is >= 0 and < 64 ? rest + dashes + "-----".Length : rest;
    }

    private static int EndOfAzureSecret(ReadOnlySpan<char> text, ref int start)
    {
        if (start < 4 || !char.IsAsciiDigit(text[start - 1]) || !TextEdges.BeginsWord(text, start - 4))
        {
            return -1;
        }

        var end = EndOf(AzureSecret(), text, start);
        start -= 4;
        return end;
    }

    private static int EndOf(Regex pattern, ReadOnlySpan<char> text, int start)
    {
        var matches = pattern.EnumerateMatches(text, start);
        return matches.MoveNext() ? matches.Current.Index + matches.Current.Length : -1;
    }

    [GeneratedRegex(
        @"\G(?>(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])|AIza[\w-]{20,200}|ya29\.[\w-]{16,2000}|GOCSPX-[\w-]{12,200}|gh[pousr]_[A-Za-z0-9]{10,255}|github_pat_\w{10,255}"
            + @"|gl(?:pat|dt|rt|soat|cbt|ptt)-[\w-]{10,255}|xox[abeoprs](?:\.xox[bp])?-[\w-]{10,255}|xapp-[\w-]{10,255}|sk-[\w-]{16,255}|(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{10,255}|whsec_[\w+/=-]{10,255}"
            + @"|npm_[A-Za-z0-9]{20,255}|pypi-[\w-]{16,500}|hf_[A-Za-z0-9]{20,100}|dop_v1_[0-9a-f]{16,128}|SG\.[\w-]{8,64}\.[\w-]{8,128}|shp(?:at|ss|ca|pa)_[0-9a-fA-F]{16,64}|dapi[0-9a-f]{32}|hv[sb]\.[\w-]{16,500}"
            + @"|AGE-SECRET-KEY-1[0-9A-Z]{20,100}|lk_[0-9a-z]{8,32}_[0-9A-Za-z]{16,255}|eyJ[\w-]{6,4000}(?:\.[\w-]{4,}){1,4}\.?)",
        RegexOptions.None,
        Milliseconds
    )]
    private static partial Regex Key();

    [GeneratedRegex(@"\G://[^\s/?#@:""'<>\\]{0,128}:[^\s/?#""'<>\\]{1,256}@(?=[\w\[%])", RegexOptions.None, Milliseconds)]
    private static partial Regex UserInfo();

    [GeneratedRegex(@"\G-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}?PRIVATE KEY(?: BLOCK)?-----", RegexOptions.None, Milliseconds)]
    private static partial Regex PrivateKey();

    [GeneratedRegex(@"\GQ~(?>[\w.~-]{20,60})", RegexOptions.None, Milliseconds)]
    private static partial Regex AzureSecret();

    [GeneratedRegex(@"\Ghooks\.slack\.com/services/(?>[\w/-]{12,200})", RegexOptions.None, Milliseconds)]
    private static partial Regex SlackHook();

    [GeneratedRegex(@"(?<=[?&;]|&amp;|\\u0026)\Gsig=", RegexOptions.IgnoreCase, Milliseconds)]
    private static partial Regex Signature();

    [GeneratedRegex(@"\GX-Amz-(?:Signature|Security-Token|Credential)=", RegexOptions.IgnoreCase, Milliseconds)]
    private static partial Regex AwsQuery();

    [GeneratedRegex(@"\G(?>[^\s&""'<>\\#\[\]]{4,4000})", RegexOptions.None, Milliseconds)]
    private static partial Regex SignatureValue();

    [GeneratedRegex(@"\GBearer(?:[ \t]+|%20|=|: ?)", RegexOptions.IgnoreCase, Milliseconds)]
    private static partial Regex Bearer();

    [GeneratedRegex(@"\G(?>[A-Za-z0-9._~+/=-]{8,8000})", RegexOptions.None, Milliseconds)]
    private static partial Regex BearerValue();
}
