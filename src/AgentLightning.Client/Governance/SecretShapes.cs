using System.Buffers;
using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace AgentLightning.Governance;

/// <summary>
/// Secrets that are known by their shape. Most stand in the tables beside this file, one line for each issuer, and are looked for only
/// where their beginning stands; the few that are no beginning and an alphabet have a pattern here. Nothing goes back over what it has
/// read, so a text is read a bounded number of times, whatever is in it.
/// </summary>
internal static partial class SecretShapes
{
    private const int Milliseconds = 2_000;

    /// <summary>The longest part of a beginning up to its first <c>_</c>, <c>-</c> or <c>~</c>.</summary>
    private const int LongestMarked = 12;

    /// <summary>What follows the mark of a beginning has at least so many characters of a key.</summary>
    private const int ShortestMarked = 10;

    private const string Marks = "_-~";

    /// <summary>Keys of Azure have one of these in the middle and nothing at their beginning.</summary>
    private static readonly string[] s_signatures = ["JQQJ99", "AzSe", "AzFu", "AzCa", "ACDb", "+ASt", "+ABa", "+AMC", "+AIo", "+ARm"];

    private static readonly SearchValues<char> s_base64 = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    );

    private static readonly SearchValues<char> s_keyCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=.$"
    );

    private static readonly SearchValues<char> s_marks = SearchValues.Create(Marks);

    /// <summary>Those with a mark in their beginning, by all up to the first; the longest beginning first.</summary>
    private static readonly FrozenDictionary<string, SecretShape[]> s_marked = All.Where(IsMarked)
        .GroupBy(shape => shape.Prefix[..(shape.Prefix.AsSpan().IndexOfAny(s_marks) + 1)], StringComparer.Ordinal)
        .ToFrozenDictionary(group => group.Key, Ordered, StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, SecretShape[]>.AlternateLookup<ReadOnlySpan<char>> s_byMark =
        s_marked.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The others, by their first character.</summary>
    private static readonly FrozenDictionary<char, SecretShape[]> s_plain = All.Where(shape => !IsMarked(shape))
        .GroupBy(shape => shape.Prefix[0])
        .ToFrozenDictionary(group => group.Key, Ordered);

    /// <summary>The tables.</summary>
    public static IEnumerable<SecretShape> All => [.. CloudShapes.All, .. CodeShapes.All, .. ModelShapes.All, .. OfficeShapes.All];

    /// <summary>What <see cref="MatchKey"/> is to be asked about, where it stands.</summary>
    public static SearchValues<string> Beginnings { get; } =
        SearchValues.Create(
            [
                .. s_plain.Values.SelectMany(shapes => shapes).Select(shape => shape.Prefix),
                .. s_signatures,
                "eyJ",
                "-----BEGIN",
                "://",
                ":AA",
                ".atlasv1.",
            ],
            StringComparison.Ordinal
        );

    /// <summary>
    /// The end of the key that begins at <paramref name="start"/>, or −1; the start is moved where the secret begins earlier or later.
    /// </summary>
    public static int MatchKey(ReadOnlySpan<char> text, ref int start)
    {
        switch (text[start])
        {
            case ':' when text[start..].StartsWith(":AA", StringComparison.Ordinal):
                return EndOfTelegram(text, ref start);
            case ':':
                var end = EndOf(UserInfo(), text, start);
                start += "://".Length;
                return end < 0 ? -1 : end - 1;
            case '-':
                return EndOfPrivateKey(text, start);
            case '.':
                return EndOfTerraform(text, ref start);
            case 'e' when EndOfWebToken(text, start) is >= 0 and var token:
                return token;
            default:
                end = s_plain.TryGetValue(text[start], out var shapes) ? EndOfShape(shapes, text, ref start) : -1;
                return end >= 0 ? end : EndOfSigned(text, ref start);
        }
    }

    /// <summary>
    /// The key of whose beginning the sign at <paramref name="mark"/>, one of <c>_-~</c>, is a part: its beginning and end, or −1.
    /// </summary>
    public static int MatchMarked(ReadOnlySpan<char> text, int mark, out int start)
    {
        start = mark;
        if (mark == 0 || !char.IsAsciiLetterOrDigit(text[mark - 1]))
        {
            return -1;
        }

        var rest = text[(mark + 1)..];
        if (rest.Length < ShortestMarked || rest[..ShortestMarked].ContainsAnyExcept(s_keyCharacters))
        {
            return EndOfSuffix(text, mark, ref start) is >= 0 and var suffix ? suffix
                : text[mark] == '~' && text[mark - 1] == 'Q' ? EndOfAzureSecret(text, ref start)
                : -1;
        }

        if (text[mark] == '~' && text[mark - 1] == 'Q')
        {
            return EndOfAzureSecret(text, ref start);
        }

        while (start > 0 && mark - start < LongestMarked && char.IsAsciiLetterOrDigit(text[start - 1]))
        {
            start--;
        }

        return s_byMark.TryGetValue(text[start..(mark + 1)], out var shapes)
            ? EndOfShape(shapes, text, ref start)
            : EndOfSuffix(text, mark, ref start);
    }

    /// <summary>
    /// The signature or token in a query that a name at <paramref name="start"/> announces: its beginning and end, or −1.
    /// </summary>
    public static int MatchQuery(ReadOnlySpan<char> text, ref int start)
    {
        var begin = text[start] switch
        {
            's' or 'S' => EndOf(Signature(), text, start),
            'x' or 'X' => EndOf(AwsQuery(), text, start),
            _ => -1,
        };
        if (begin < 0)
        {
            return -1;
        }

        start = begin;
        return EndOf(SignatureValue(), text, start);
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

    private static bool IsMarked(SecretShape shape) =>
        shape.Prefix.AsSpan().IndexOfAny(s_marks) is >= 0 and var mark && shape.Prefix.AsSpan(0, mark).IndexOfAny('.', '/') < 0;

    private static SecretShape[] Ordered(IEnumerable<SecretShape> shapes) => [.. shapes.OrderByDescending(shape => shape.Prefix.Length)];

    private static int EndOfShape(SecretShape[] shapes, ReadOnlySpan<char> text, ref int start)
    {
        // A key inside a longer word is no key; it would also be read again and again from each of its letters.
        if (!TextEdges.BeginsWord(text, start))
        {
            return -1;
        }

        foreach (var shape in shapes)
        {
            if (shape.EndOf(text, start) is >= 0 and var end)
            {
                start += shape.IsAddress ? shape.Prefix.Length : 0;
                // A token of Slack in another's configuration: xoxe.xoxp-…
                start -= start >= 5 && text[(start - 5)..start] is "xoxe." ? 5 : 0;
                return end;
            }
        }

        return -1;
    }

    private static int EndOfWebToken(ReadOnlySpan<char> text, int start)
    {
        // Behind a hyphen each part of a long word would be read again from each of its letters.
        if (!TextEdges.BeginsWord(text, start) || (start > 0 && text[start - 1] == '-'))
        {
            return -1;
        }

        var end = EndOf(WebToken(), text, start);
        // What is longer than a pattern reads is a part of the key too.
        while (end >= 0 && end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '-'))
        {
            end++;
        }

        return end;
    }

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

    /// <summary>Three characters, a digit, <c>Q~</c> and the rest; the start is at the <c>~</c>.</summary>
    private static int EndOfAzureSecret(ReadOnlySpan<char> text, ref int start)
    {
        var sign = start - 1;
        if (sign < 4 || !char.IsAsciiDigit(text[sign - 1]) || !TextEdges.BeginsWord(text, sign - 4))
        {
            return -1;
        }

        start = sign - 4;
        return EndOf(AzureSecret(), text, sign);
    }

    /// <summary>A number, <c>:AA</c> and 33 characters.</summary>
    private static int EndOfTelegram(ReadOnlySpan<char> text, ref int start)
    {
        var (colon, begin) = (start, start);
        while (begin > 0 && colon - begin < 17 && char.IsAsciiDigit(text[begin - 1]))
        {
            begin--;
        }

        if (colon - begin is < 5 or > 16 || !TextEdges.BeginsWord(text, begin))
        {
            return -1;
        }

        start = begin;
        return EndOf(TelegramValue(), text, colon);
    }

    /// <summary>14 characters, <c>.atlasv1.</c> and some 65.</summary>
    private static int EndOfTerraform(ReadOnlySpan<char> text, ref int start)
    {
        var end = start >= 14 ? EndOf(TerraformValue(), text, start) : -1;
        if (end < 0 || text[(start - 14)..start].ContainsAnyExcept(Alphabet.Alnum) || !TextEdges.BeginsWord(text, start - 14))
        {
            return -1;
        }

        start -= 14;
        return end;
    }

    /// <summary>Mailchimp's <c>…-us12</c> behind 32 hexadecimal digits, MaxMind's <c>…_mmk</c> behind 6 characters, _ and 29.</summary>
    private static int EndOfSuffix(ReadOnlySpan<char> text, int mark, ref int start)
    {
        var (length, end) = (0, -1);
        if (
            mark >= 32
            && text[mark..].StartsWith("-us", StringComparison.Ordinal)
            && !text[(mark - 32)..mark].ContainsAnyExcept(Alphabet.Hex)
        )
        {
            (length, end) = (32, EndOf(DataCentre(), text, mark));
        }
        else if (mark >= 36 && text[mark - 30] == '_' && text[mark..].StartsWith("_mmk", StringComparison.Ordinal))
        {
            (length, end) = (36, text[(mark - 36)..mark].ContainsAnyExcept(Alphabet.Word) ? -1 : mark + "_mmk".Length);
        }

        if (end < 0 || !TextEdges.BeginsWord(text, mark - length) || !TextEdges.EndsWord(text, end))
        {
            return -1;
        }

        start = mark - length;
        return end;
    }

    /// <summary>A word of Base64 with one of the signatures in it that keys of Azure have.</summary>
    private static int EndOfSigned(ReadOnlySpan<char> text, ref int start)
    {
        const int Shortest = 52,
            Longest = 100;
        var (begin, at) = (start, start);
        if (!BeginsSignature(text[at..]))
        {
            return -1;
        }

        while (begin > 0 && at - begin < Longest && s_base64.Contains(text[begin - 1]))
        {
            begin--;
        }

        var rest = text.Slice(at, Math.Min(Longest, text.Length - at));
        var length = rest.IndexOfAnyExcept(s_base64);
        var end = at + (length < 0 ? rest.Length : length);
        var key = text[begin..end];
        if (key.Length is < Shortest or > Longest || !key.ContainsAnyInRange('0', '9') || !key.ContainsAnyInRange('a', 'z'))
        {
            return -1;
        }

        start = begin;
        return end;
    }

    private static bool BeginsSignature(ReadOnlySpan<char> text)
    {
        foreach (var signature in s_signatures)
        {
            if (text.StartsWith(signature, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static int EndOf(Regex pattern, ReadOnlySpan<char> text, int start)
    {
        var matches = pattern.EnumerateMatches(text, start);
        return matches.MoveNext() ? matches.Current.Index + matches.Current.Length : -1;
    }

    [GeneratedRegex(@"\GeyJ(?>[\w-]{6,4000})(?:\.[\w-]{4,}){1,4}\.?", RegexOptions.None, Milliseconds)]
    private static partial Regex WebToken();

    [GeneratedRegex(@"\G://[^\s/?#@:""'<>\\]{0,128}:[^\s/?#""'<>\\]{1,256}@(?=[\w\[%])", RegexOptions.None, Milliseconds)]
    private static partial Regex UserInfo();

    [GeneratedRegex(@"\G-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}?PRIVATE KEY(?: BLOCK)?-----", RegexOptions.None, Milliseconds)]
    private static partial Regex PrivateKey();

    [GeneratedRegex(@"\GQ~(?>[\w.~-]{20,60})", RegexOptions.None, Milliseconds)]
    private static partial Regex AzureSecret();

    [GeneratedRegex(@"\G:AA(?>[\w-]{33,40})(?![\w-])", RegexOptions.None, Milliseconds)]
    private static partial Regex TelegramValue();

    [GeneratedRegex(@"\G\.atlasv1\.(?>[\w=-]{40,100})", RegexOptions.None, Milliseconds)]
    private static partial Regex TerraformValue();

    [GeneratedRegex(@"\G-us\d{1,2}", RegexOptions.None, Milliseconds)]
    private static partial Regex DataCentre();

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
