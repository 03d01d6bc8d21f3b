using System.Collections.Frozen;

namespace AgentLightning.Governance;

/// <summary>Check digits: what tells a card, an account or a tax number from any other number.</summary>
internal static class Checksums
{
    private static readonly int[] s_irdFirst = [3, 2, 7, 6, 5, 4, 3, 2];
    private static readonly int[] s_irdSecond = [7, 4, 3, 2, 5, 2, 7, 6];

    /// <summary>Length of an IBAN by country, from the registry of SWIFT.</summary>
    private static readonly FrozenDictionary<string, int> s_ibanLengths = (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 "
        + "GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 "
        + "JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 "
        + "SA24 SC31 SE24 SI19 SK24 SM27 TN24 TR26 UA29 VA22 VG24 XK20"
    )
        .Split(' ')
        .ToFrozenDictionary(entry => entry[..2], entry => int.Parse(entry.AsSpan(2), provider: null));

    /// <summary>13–19 digits of a range that card schemes use, with the check digit of Luhn (ISO/IEC 7812-1).</summary>
    public static bool IsCard(ReadOnlySpan<char> digits)
    {
        if (digits.Length is < 13 or > 19 || !HasScheme(digits))
        {
            return false;
        }

        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            sum +=
                i % 2 == 0 ? digit
                : digit > 4 ? (2 * digit) - 9
                : 2 * digit;
        }

        return sum % 10 == 0;
    }

    /// <summary>ISO 13616: the first four characters moved to the end, letters as 10…35, is 1 modulo 97.</summary>
    public static bool IsIban(ReadOnlySpan<char> compact)
    {
        Span<char> country = stackalloc char[2];
        if (
            compact.Length < 15
            || compact[..2].ToUpperInvariant(country) != 2
            || !s_ibanLengths.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(country, out var length)
            || length != compact.Length
        )
        {
            return false;
        }

        var rest = 0;
        for (var i = 0; i < compact.Length; i++)
        {
            var c = compact[(i + 4) % compact.Length];
            rest = char.IsAsciiDigit(c) ? ((rest * 10) + c - '0') % 97 : ((rest * 100) + (c | 0x20) - 'a' + 10) % 97;
        }

        return rest == 1;
    }

    /// <summary>How many letters and digits an IBAN of a country has; 0 for what is no country.</summary>
    public static int IbanLength(ReadOnlySpan<char> country)
    {
        Span<char> upper = stackalloc char[2];
        country[..2].ToUpperInvariant(upper);
        return s_ibanLengths.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(upper, out var length) ? length : 0;
    }

    /// <summary>
    /// New Zealand's IRD number: 10,000,000–150,000,000, two rounds of weights modulo 11 (Inland Revenue's specification).
    /// </summary>
    public static bool IsIrd(ReadOnlySpan<char> digits)
    {
        if (
            digits.Length is not (8 or 9)
            || !int.TryParse(digits, System.Globalization.NumberStyles.None, null, out var number)
            || number is < 10_000_000 or > 150_000_000
        )
        {
            return false;
        }

        var check = Check(number / 10, s_irdFirst);
        if (check == 10)
        {
            check = Check(number / 10, s_irdSecond);
        }

        return check == number % 10;

        static int Check(int value, int[] weights)
        {
            var sum = 0;
            for (var i = weights.Length - 1; i >= 0; i--, value /= 10)
            {
                sum += value % 10 * weights[i];
            }

            return sum % 11 == 0 ? 0 : 11 - (sum % 11);
        }
    }

    /// <summary>A US social security number as it may be issued: no area 000, 666 or 900–999, no group 00, no serial 0000.</summary>
    public static bool IsSsn(ReadOnlySpan<char> digits) =>
        digits.Length == 9
        && digits[0] != '9'
        && digits[..3] is not ("000" or "666")
        && digits[3..5] is not "00"
        && digits[5..] is not "0000";

    private static bool HasScheme(ReadOnlySpan<char> digits)
    {
        var first = ((digits[0] - '0') * 1000) + ((digits[1] - '0') * 100) + ((digits[2] - '0') * 10) + digits[3] - '0';
        return digits.Length switch
        {
            13 => first / 1000 == 4,
            14 => first / 100 is 36 or 38 or 39 || first / 10 is >= 300 and <= 305,
            15 => first / 100 is 34 or 37,
            16 => first / 1000 == 4 || first / 100 is (>= 50 and <= 69) || first is >= 2200 and <= 2720 || first is >= 3528 and <= 3589,
            _ => first / 1000 == 4 || first / 100 is 50 or (>= 56 and <= 69),
        };
    }
}
