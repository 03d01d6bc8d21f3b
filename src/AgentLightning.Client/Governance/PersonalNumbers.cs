using System.Buffers;
using System.Text.RegularExpressions;

namespace AgentLightning.Governance;

/// <summary>
/// Numbers that stand for a person: cards, accounts, national ids and telephones. Check digits decide where there are any, the form of the
/// number where not, and for bare digits the words before it ("tel", "order").
/// </summary>
internal static partial class PersonalNumbers
{
    private const int ContextLength = 28;

    /// <summary>No pattern here has fewer digits.</summary>
    private const int FewestDigits = 7;

    /// <summary>All that the patterns have between digits.</summary>
    private static readonly SearchValues<char> s_signs = SearchValues.Create("0123456789 .-()/+\u00A0");

    /// <summary>The number that begins with the digit at <paramref name="digit"/>, or with the sign before it.</summary>
    public static bool TryMatch(ReadOnlySpan<char> text, int digit, ReadOnlySpan<char> key, out Finding finding)
    {
        finding = default;
        if (!HasDigits(text[digit..]))
        {
            return false;
        }

        var plus =
            digit > 0 && text[digit - 1] == '+' ? digit - 1
            : digit > 1 && text[digit - 1] == '(' && text[digit - 2] == '+' ? digit - 2
            : -1;
        if (
            plus >= 0
            && TextEdges.BeginsWord(text, plus)
            && EndOf(International(), text, plus) is > 0 and var end
            && IsTelephone(text[plus..end])
            && TextEdges.EndsNumber(text, end)
        )
        {
            finding = new Finding(plus, end, FindingKind.Phone);
            return true;
        }

        var start = digit > 0 && text[digit - 1] == '(' ? digit - 1 : digit;
        if (plus >= 0 || !TextEdges.BeginsNumber(text, start))
        {
            return false;
        }

        return (start == digit && (TryCard(text, digit, out finding) || TryNationalId(text, digit, key, out finding)))
            || TryTelephone(text, start, key, out finding);
    }

    /// <summary>
    /// An account number whose country code is at <paramref name="start"/>: two letters, two digits and the rest, with blanks between
    /// groups or without.
    /// </summary>
    public static bool TryIban(ReadOnlySpan<char> text, int start, out Finding finding)
    {
        finding = default;
        var length = Checksums.IbanLength(text[start..]);
        if (length == 0 || !TextEdges.BeginsWord(text, start))
        {
            return false;
        }

        Span<char> compact = stackalloc char[length];
        var (taken, i) = (0, start);
        for (; i < text.Length && taken < length; i++)
        {
            if (char.IsAsciiLetterOrDigit(text[i]))
            {
                compact[taken++] = text[i];
            }
            else if (text[i] is not (' ' or '-' or '\u00A0') || taken % 4 != 0)
            {
                return false;
            }
        }

        finding = new Finding(start, i, FindingKind.Iban);
        return taken == length && TextEdges.EndsWord(text, i) && Checksums.IsIban(compact);
    }

    /// <summary>A number of JSON, which has no signs: only a card tells itself from a count or a time.</summary>
    public static bool IsCard(ReadOnlySpan<char> number) =>
        number.Length is >= 13 and <= 19 && !number.ContainsAnyExceptInRange('0', '9') && Checksums.IsCard(number);

    private static bool TryCard(ReadOnlySpan<char> text, int start, out Finding finding)
    {
        var end = EndOf(Card(), text, start);
        finding = new Finding(start, Math.Max(start, end), FindingKind.Card);
        Span<char> digits = stackalloc char[32];
        return end > 0 && TextEdges.EndsNumber(text, end) && Checksums.IsCard(Digits(text[start..end], digits));
    }

    private static bool TryNationalId(ReadOnlySpan<char> text, int start, ReadOnlySpan<char> key, out Finding finding)
    {
        finding = default;
        var end = EndOf(NineDigits(), text, start);
        if (end < 0 || !TextEdges.EndsNumber(text, end))
        {
            return false;
        }

        Span<char> buffer = stackalloc char[16];
        var number = text[start..end];
        var digits = Digits(number, buffer);
        var context = Before(text, start);
        var socialSecurity = number.Length == 11 && number[3] == '-' && number[6] == '-';
        if (Checksums.IsSsn(digits) && (socialSecurity || SsnWords().IsMatch(context) || (start == 0 && SsnWords().IsMatch(key))))
        {
            finding = new Finding(start, end, FindingKind.Ssn);
            return true;
        }

        var hyphens = number.Count('-') == 2 && number[^4] == '-' && number[^8] == '-';
        if (
            Checksums.IsIrd(digits)
            && ((hyphens && !OtherNumbers().IsMatch(context)) || IrdWords().IsMatch(context) || (start == 0 && IrdWords().IsMatch(key)))
        )
        {
            finding = new Finding(start, end, FindingKind.Ird);
            return true;
        }

        return false;
    }

    private static bool TryTelephone(ReadOnlySpan<char> text, int start, ReadOnlySpan<char> key, out Finding finding)
    {
        finding = default;
        var context = Before(text, start);
        var called = TelephoneWords().IsMatch(context) || (start <= 1 && TelephoneWords().IsMatch(key));
        var goesOn = start > 1 && text[start - 1] is ' ' or '-' && char.IsAsciiDigit(text[start - 2]);
        if (!called && (goesOn || OtherNumbers().IsMatch(context)))
        {
            return false;
        }

        var end = EndOf(NorthAmerican(), text, start);
        if (end < 0 && EndOf(National(), text, start) is > 0 and var national && CountDigits(text[start..national]) is >= 9 and <= 12)
        {
            end = national;
        }

        if (end < 0 && EndOf(Abroad(), text, start) is > 0 and var abroad && CountDigits(text[start..abroad]) is >= 11 and <= 16)
        {
            end = abroad;
        }

        if (end < 0 && called && EndOf(Called(), text, start) is > 0 and var plain && CountDigits(text[start..plain]) is >= 7 and <= 13)
        {
            end = plain;
        }

        finding = new Finding(start, end, FindingKind.Phone);
        return end > 0 && TextEdges.EndsNumber(text, end);
    }

    /// <summary>Eight to fifteen digits, and dots only as a sign between groups, not as a decimal point.</summary>
    private static bool IsTelephone(ReadOnlySpan<char> number) => CountDigits(number) is >= 8 and <= 15 && number.Count('.') != 1;

    /// <summary>Most numbers are short: they are left here, before any pattern looks at them.</summary>
    private static bool HasDigits(ReadOnlySpan<char> text)
    {
        var digits = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiDigit(c) ? ++digits == FewestDigits : !s_signs.Contains(c))
            {
                break;
            }
        }

        return digits == FewestDigits;
    }

    private static int CountDigits(ReadOnlySpan<char> text)
    {
        var count = 0;
        foreach (var c in text)
        {
            count += char.IsAsciiDigit(c) ? 1 : 0;
        }

        return count;
    }

    private static ReadOnlySpan<char> Digits(ReadOnlySpan<char> text, Span<char> buffer)
    {
        var n = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiDigit(c) && n < buffer.Length)
            {
                buffer[n++] = c;
            }
        }

        return buffer[..n];
    }

    private static ReadOnlySpan<char> Before(ReadOnlySpan<char> text, int start) => text[Math.Max(0, start - ContextLength)..start];

    private static int EndOf(Regex pattern, ReadOnlySpan<char> text, int start)
    {
        var matches = pattern.EnumerateMatches(text, start);
        return matches.MoveNext() ? matches.Current.Index + matches.Current.Length : -1;
    }

    [GeneratedRegex(@"\G(?:\+|\(\+)[1-9](?>(?:[ .\-()\u00A0]{0,3}[0-9]){7,16})(?![0-9])")]
    private static partial Regex International();

    [GeneratedRegex(@"\G[2-6](?>[0-9]{12,18}|[0-9]{3}(?:[ -][0-9]{4}){3}(?:[ -][0-9]{1,3})?|[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5})(?![0-9])")]
    private static partial Regex Card();

    [GeneratedRegex(@"\G[0-9]{2,3}(?>[- ]?[0-9]{2,3}[- ]?[0-9]{3,4})(?![0-9])")]
    private static partial Regex NineDigits();

    [GeneratedRegex(
        @"\G(?:1[-. ])?(?:\([2-9][0-9]{2}\)[ -]?[0-9]{3}[-. ][0-9]{4}|[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}|"
            + @"[2-9][0-9]{2}\.[0-9]{3}\.[0-9]{4})(?![0-9])"
    )]
    private static partial Regex NorthAmerican();

    [GeneratedRegex(
        @"\G(?:\(0[1-9][0-9]{0,3}\)[ -]?[0-9]{2,5}(?:[ -][0-9]{2,5}){0,3}|\([1-9][0-9]\)[ -]?[0-9]{4,5}[ -][0-9]{4}|"
            + @"0[1-9][0-9]{0,4}(?:[ \-/\u00A0][0-9]{2,8}){1,5}|0[1-9](?:\.[0-9]{2}){4}|0800(?:[ -][0-9]{2,4}){2,3})(?![0-9])"
    )]
    private static partial Regex National();

    [GeneratedRegex(@"\G00[1-9][0-9]{0,2}(?:[ \-]?[0-9]{1,8}){2,6}(?![0-9])")]
    private static partial Regex Abroad();

    [GeneratedRegex(@"\G[(]?[0-9](?>(?:[ .\-()]{0,2}[0-9]){6,12})(?![0-9])")]
    private static partial Regex Called();

    [GeneratedRegex(
        @"(?:\b(?:tel(?:efon|ephone|éfono|efone|efoon)?|phone|mobile|cell|handy|fax|whatsapp|sms|call|ring|dial|rufen|ruf|"
            + @"anrufen|appele[rz]?|llam[aeá]\w*|ligue|portable|móvil|celular|hotline)\b|тел|电话|電話|手机|手機|전화)[\w .:：#=""'\\&?-]{0,16}$",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex TelephoneWords();

    [GeneratedRegex(
        @"\b(?:order|invoice|ticket|case|ref|reference|id|no|nr|sku|part|serial|tracking|bestellung|rechnung|commande|facture|"
            + @"pedido|factura|isbn|issn|ean|upc|version|build|job|run|batch|line|model|article|artikel|item|account|rfc|doi|cve|"
            + @"patent|issue|build|receipt)s?\b[\w .:#=""'\\°-]{0,10}$",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex OtherNumbers();

    [GeneratedRegex(@"(?:\bssn\b|social.?security)[\w .:#=""'\\-]{0,12}$", RegexOptions.IgnoreCase)]
    private static partial Regex SsnWords();

    [GeneratedRegex(@"\b(?:ird|tax (?:number|no|id)|inland revenue)\b[\w .:#=""'\\-]{0,12}$", RegexOptions.IgnoreCase)]
    private static partial Regex IrdWords();
}
