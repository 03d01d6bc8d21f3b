using System.Numerics;

namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>
/// Numbers between two bounds as patterns of their digits: no exponents, up to 15 digits before the point and about 6 behind it.
/// </summary>
internal static class NumberPatterns
{
    private const int MostDigits = 15,
        MostFractionDigits = 6;
    private static readonly BigInteger s_largest = BigInteger.Pow(10, MostDigits) - 1;

    /// <summary>Whole numbers. Without a bound, of up to 15 digits.</summary>
    public static Piece Whole(BigInteger? least, BigInteger? most)
    {
        var (low, high) = (least ?? -s_largest, most ?? s_largest);
        return new Choice([new Sequence([Piece.Text("-"), Digits(BigInteger.Max(1, -high), -low)]), Digits(BigInteger.Max(0, low), high)]);
    }

    /// <summary>Numbers with or without a fraction.</summary>
    public static Piece Decimal(Bound? least, Bound? most)
    {
        Bound low = least ?? new(-(decimal)s_largest, false),
            high = most ?? new((decimal)s_largest, false);
        return new Choice([new Sequence([Piece.Text("-"), Magnitudes(Negated(high), Negated(low))]), Magnitudes(low, high)]);
    }

    private static Bound Negated(Bound bound) => bound with { Value = -bound.Value };

    /// <summary>The part of a range from 0 on.</summary>
    private static Piece Magnitudes(Bound low, Bound high)
    {
        low = low.Value < 0 ? new Bound(0, false) : low;
        if (high.Value < low.Value)
        {
            return Piece.Nothing;
        }

        var (first, last) = (decimal.Floor(low.Value), decimal.Floor(high.Value));
        if (first == last)
        {
            return OfWhole(first, low, high);
        }

        return new Choice([
            OfWhole(first, low, null),
            new Sequence([
                Digits(new BigInteger(first) + 1, new BigInteger(last) - 1),
                new Choice([Piece.Empty, new Sequence([Piece.Text("."), Any(1)])]),
            ]),
            OfWhole(last, null, high),
        ]);
    }

    /// <summary>One whole number with all fractions that keep within the bounds.</summary>
    private static Choice OfWhole(decimal whole, Bound? low, Bound? high)
    {
        var alone = (low is null || low.Value.Allows(whole, above: true)) && (high is null || high.Value.Allows(whole, above: false));
        var number = Piece.Text(whole.ToString("F0", System.Globalization.CultureInfo.InvariantCulture));
        var fractions = Fractions(
            Fraction(low),
            low?.Excluded == true,
            Fraction(high),
            high?.Excluded == true,
            first: true,
            low is not null,
            high is not null
        );
        return new Choice([alone ? number : Piece.Nothing, new Sequence([number, Piece.Text("."), fractions])]);

        static string Fraction(Bound? bound) =>
            bound is null
                ? ""
                : (bound.Value.Value - decimal.Floor(bound.Value.Value))
                    .ToString("F28", System.Globalization.CultureInfo.InvariantCulture)[2..]
                    .TrimEnd('0');
    }

    /// <summary>Digits behind the point between those of two bounds, as far as these still hold one back.</summary>
    private static Piece Fractions(string low, bool above, string high, bool below, bool first, bool bounded, bool limited)
    {
        var empty = first ? 1 : 0;
        if (!bounded && !limited)
        {
            return Any(empty);
        }

        if (bounded && !limited)
        {
            return low.Length > 0
                    ? new Choice([
                        Then(low[0] + 1, '9'),
                        new Sequence([Piece.Text(low[..1]), Fractions(low[1..], above, "", false, false, true, false)]),
                    ])
                : above ? new Sequence([new Repeat(Piece.Text("0"), 0, MostFractionDigits), new OneOf(CharacterSet.Of('1', '9')), Any(0)])
                : Any(empty);
        }

        if (!bounded)
        {
            return high.Length > 0
                    ? new Choice([
                        first ? Piece.Nothing : Piece.Empty,
                        Then('0', high[0] - 1),
                        new Sequence([Piece.Text(high[..1]), Fractions("", false, high[1..], below, false, false, true)]),
                    ])
                : below ? Piece.Nothing
                : new Repeat(Piece.Text("0"), empty, MostFractionDigits);
        }

        if (low.Length == 0 && !above)
        {
            return Fractions("", false, high, below, first, false, true);
        }

        if (high.Length == 0)
        {
            return Piece.Nothing;
        }

        // Behind its last digit a bound goes on with zeros.
        var (from, to) = (low.Length > 0 ? low[0] : '0', high[0]);
        var rest = low.Length > 0 ? low[1..] : "";
        return from > to ? Piece.Nothing
            : from == to ? new Sequence([Piece.Text(high[..1]), Fractions(rest, above, high[1..], below, false, true, true)])
            : new Choice([
                new Sequence([Piece.Text($"{from}"), Fractions(rest, above, "", false, false, true, false)]),
                Then(from + 1, to - 1),
                new Sequence([Piece.Text(high[..1]), Fractions("", false, high[1..], below, false, false, true)]),
            ]);
    }

    private static Piece Then(int from, int to) => from > to ? Piece.Nothing : new Sequence([new OneOf(CharacterSet.Of(from, to)), Any(0)]);

    private static Repeat Any(int least) => new(new OneOf(CharacterSet.Digits), least, MostFractionDigits);

    private static Piece Digits(BigInteger low, BigInteger high)
    {
        high = BigInteger.Min(high, s_largest);
        var options = new List<Piece>();
        for (var length = 1; length <= MostDigits; length++)
        {
            BigInteger least = length == 1 ? 0 : BigInteger.Pow(10, length - 1),
                most = BigInteger.Pow(10, length) - 1;
            var (from, to) = (BigInteger.Max(low, least), BigInteger.Min(high, most));
            if (from <= to)
            {
                options.Add(OfLength($"{from}", $"{to}"));
            }
        }

        return new Choice(options);
    }

    /// <summary>Numbers of as many digits as both bounds have.</summary>
    private static Piece OfLength(string low, string high)
    {
        if (low.All(c => c == '0') && high.All(c => c == '9'))
        {
            return new Repeat(new OneOf(CharacterSet.Digits), low.Length, low.Length);
        }

        if (low[0] == high[0])
        {
            return new Sequence([Piece.Text(low[..1]), OfLength(low[1..], high[1..])]);
        }

        var rest = low.Length - 1;
        return new Choice([
            new Sequence([Piece.Text(low[..1]), OfLength(low[1..], new string('9', rest))]),
            low[0] + 1 > high[0] - 1
                ? Piece.Nothing
                : new Sequence([
                    new OneOf(CharacterSet.Of(low[0] + 1, high[0] - 1)),
                    OfLength(new string('0', rest), new string('9', rest)),
                ]),
            new Sequence([Piece.Text(high[..1]), OfLength(new string('0', rest), high[1..])]),
        ]);
    }
}
