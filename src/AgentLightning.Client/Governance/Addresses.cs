using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace AgentLightning.Governance;

/// <summary>E-mail addresses around an @, and IP addresses around dots and colons. Each looks at a bounded part of the text.</summary>
internal static partial class Addresses
{
    private const int LongestLocalPart = 64;
    private const int LongestDomain = 255;
    private const int LongestIpv6 = 45;
    private static readonly SearchValues<char> s_local = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"
    );
    private static readonly SearchValues<char> s_ipv6 = SearchValues.Create("0123456789abcdefABCDEF:.");
    private static readonly string[] s_fileEndings =
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "ico",
        "css",
        "js",
        "ts",
        "mjs",
        "map",
        "py",
        "cs",
        "md",
        "json",
        "html",
        "tgz",
        "zip",
        "dll",
        "so",
        "local",
    ];

    /// <summary>An address whose sign, @ or %40, is at <paramref name="at"/>.</summary>
    public static bool TryEmail(ReadOnlySpan<char> text, int at, int signLength, out Finding finding)
    {
        finding = default;
        var start = at;
        while (
            start > 0
            && at - start < LongestLocalPart
            && (
                s_local.Contains(text[start - 1])
                || IsLetter(text[start - 1])
                || (text[start - 1] == '\'' && start > 1 && char.IsAsciiLetter(text[start - 2]))
            )
        )
        {
            start--;
        }

        // What a format writes before an address belongs to it as little as a sign at its beginning.
        if (text[start..at].LastIndexOf("%3A", StringComparison.OrdinalIgnoreCase) is >= 0 and var colon)
        {
            start += colon + 3;
        }

        if (start > 0 && start + 1 < at && text[start - 1] == '\\' && text[start] is 'n' or 'r' or 't')
        {
            start++;
        }

        while (start < at && text[start] is '.' or '%' or '-' or '+')
        {
            start++;
        }

        var domain = at + signLength;
        var end = domain;
        while (
            end < text.Length
            && end - domain < LongestDomain
            && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '.' or '-' || IsLetter(text[end]))
        )
        {
            end++;
        }

        while (end > domain && text[end - 1] is '.' or '-')
        {
            end--;
        }

        var dot = text[domain..end].LastIndexOf('.');
        if (start == at || dot <= 0 || text[at - 1] == '.')
        {
            return false;
        }

        var top = text[(domain + dot + 1)..end];
        if (
            top.Length < 2
            || (top.ContainsAnyInRange('0', '9') && !top.StartsWith("xn--", StringComparison.OrdinalIgnoreCase))
            || top.Contains('-') && !top.StartsWith("xn--", StringComparison.OrdinalIgnoreCase)
            || IsFileEnding(top)
        )
        {
            return false;
        }

        // git@host:path is a place of code, not a person.
        if (text[start..at] is "git" && end < text.Length && text[end] is ':' or '/')
        {
            return false;
        }

        finding = new Finding(start, end, FindingKind.Email);
        return true;
    }

    /// <summary>
    /// Four numbers with dots, from the digit at <paramref name="start"/>, unless the words around it make it a version or a chapter.
    /// </summary>
    public static bool TryIpv4(ReadOnlySpan<char> text, int start, ReadOnlySpan<char> key, out Finding finding)
    {
        finding = default;
        if (!text.Slice(start, Math.Min(4, text.Length - start)).Contains('.'))
        {
            return false;
        }

        var matches = Quad().EnumerateMatches(text, start);
        if (!matches.MoveNext())
        {
            return false;
        }

        var end = start + matches.Current.Length;
        var before = start == 0 ? ' ' : text[start - 1];
        if (before is '.' or '=' && start > 1 && text[start - 2] is '.' or '=' or '>' or '<' or '~' or '!')
        {
            return false;
        }

        var isPath = before == '/' && !(start > 1 && text[start - 2] is '/' or '\\' or ' ');
        if (isPath || (before == '-' && start > 1 && TextEdges.IsWord(text[start - 2])) || IsNobodys(text[start..end]))
        {
            return false;
        }

        var context = text[Math.Max(0, start - 28)..start];
        if (Version().IsMatch(context) || (key.Contains("version", StringComparison.OrdinalIgnoreCase) && start == 0))
        {
            return false;
        }

        finding = new Finding(start, end, FindingKind.Ip);
        return true;
    }

    /// <summary>The IPv6 address around the colon at <paramref name="colon"/>; <paramref name="next"/> is where to go on looking.</summary>
    public static bool TryIpv6(ReadOnlySpan<char> text, int colon, out int next, out Finding finding)
    {
        finding = default;
        var start = colon;
        while (start > 0 && colon - start < 5 && char.IsAsciiHexDigit(text[start - 1]))
        {
            start--;
        }

        var end = colon;
        while (end < text.Length && end - start <= LongestIpv6 && s_ipv6.Contains(text[end]))
        {
            end++;
        }

        next = Math.Max(end, colon + 1);
        while (end > start && (text[end - 1] == '.' || (text[end - 1] == ':' && !(end - start > 2 && text[end - 2] == ':'))))
        {
            end--;
        }

        var candidate = text[start..end];
        if (
            candidate.Length < 6
            || candidate.Count(':') < 2
            || (start > 0 && (TextEdges.IsWord(text[start - 1]) || text[start - 1] is ':' or '.'))
            || !TextEdges.EndsWord(text, end)
            || !IsNetwork(candidate)
            || !IPAddress.TryParse(candidate, out var address)
            || address.AddressFamily != AddressFamily.InterNetworkV6
        )
        {
            return false;
        }

        finding = new Finding(start, end, FindingKind.Ip);
        return true;
    }

    /// <summary>In use on the net, within a site or on a link; so <c>abc::def</c> of C++ is none, nor is a time or a MAC address.</summary>
    private static bool IsNetwork(ReadOnlySpan<char> candidate)
    {
        var first = candidate[0] | 0x20;
        var known =
            first is '2' or '3'
            || candidate.StartsWith("fe8", StringComparison.OrdinalIgnoreCase)
            || candidate.StartsWith("fc", StringComparison.OrdinalIgnoreCase)
            || candidate.StartsWith("fd", StringComparison.OrdinalIgnoreCase)
            || candidate.StartsWith("::ffff:", StringComparison.OrdinalIgnoreCase)
            || candidate.StartsWith("64:ff9b:", StringComparison.OrdinalIgnoreCase);
        return known
            && (candidate.IndexOf(':') == 4 || !char.IsAsciiHexDigit(candidate[0]) || candidate.StartsWith("64:", StringComparison.Ordinal))
            && (candidate.Count(':') > 2 || candidate.ContainsAnyInRange('a', 'f') || candidate.ContainsAnyInRange('A', 'F'));
    }

    /// <summary>The machine itself, any address, and masks: they tell nothing of anybody.</summary>
    private static bool IsNobodys(ReadOnlySpan<char> quad) =>
        quad.StartsWith("127.", StringComparison.Ordinal)
        || quad.StartsWith("0.", StringComparison.Ordinal)
        || quad.StartsWith("255.", StringComparison.Ordinal);

    private static bool IsFileEnding(ReadOnlySpan<char> top)
    {
        foreach (var ending in s_fileEndings)
        {
            if (top.Equals(ending, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Letters of the alphabets that addresses are written in beside the Latin one without marks; not of writing without blanks.
    /// </summary>
    private static bool IsLetter(char c) => c is >= '\u00C0' and <= '\u052F' && char.IsLetter(c);

    [GeneratedRegex(
        @"\G(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}(?![0-9A-Za-z_]|"
            + @"\.[0-9]|-[A-Za-z])"
    )]
    private static partial Regex Quad();

    [GeneratedRegex(
        @"(?:version[.:=""'(\s]{1,4}|\b[A-Z]\w{1,20}\.[A-Z]\w{1,20} |\b(?:v|ver|version|versión|versie|release|build|firmware|"
            + @"driver|sdk|upgrade[ds]?|downgrade[ds]?|update[ds]?|assembly|nuget|package|section|chapter|clause|oid|abschnitt|"
            + @"kapitel|patch)[a-z]*\b[.:=""'\s]{0,4}(?:to |from |from v|is |auf |number )?|版本[号:：\s]{0,3}|§ ?|[0-9]\.[0-9]+ (?:to|->|"
            + @"→|and|or|bis|auf) )[vV]?$",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Version();
}
