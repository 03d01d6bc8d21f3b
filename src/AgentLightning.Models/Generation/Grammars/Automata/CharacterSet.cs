namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>Unicode characters as ranges in order that do not touch. Halves of characters (surrogates) are in none.</summary>
internal sealed class CharacterSet
{
    private const int Last = 0x10FFFF,
        MostCommon = 0xFFFF,
        FirstHalf = 0xD800,
        LastHalf = 0xDFFF;

    private CharacterSet(IEnumerable<(int From, int To)> ranges)
    {
        var list = new List<(int From, int To)>();
        foreach (var (from, to) in ranges.Where(range => range.From <= range.To).Order())
        {
            if (list.Count > 0 && from <= list[^1].To + 1)
            {
                list[^1] = (list[^1].From, Math.Max(list[^1].To, to));
            }
            else
            {
                list.Add((from, to));
            }
        }

        Ranges = list;
    }

    public static CharacterSet All { get; } = Of(0, Last);

    public static CharacterSet Digits { get; } = Of('0', '9');

    public static CharacterSet Words { get; } = Union(Digits, Of('a', 'z'), Of('A', 'Z'), Of('_', '_'));

    /// <summary>As ECMAScript has it.</summary>
    public static CharacterSet Blanks { get; } =
        Union([Of('\t', '\r'), .. " \u00A0\u1680\u2028\u2029\u202F\u205F\u3000\uFEFF".Select(c => Of(c, c)), Of('\u2000', '\u200A')]);

    /// <summary>What a dot stands for.</summary>
    public static CharacterSet NoLineEnds { get; } = Union(Of('\n', '\n'), Of('\r', '\r'), Of('\u2028', '\u2029')).Others();

    public IReadOnlyList<(int From, int To)> Ranges { get; }

    public static CharacterSet Of(int from, int to) => new([(from, Math.Min(to, FirstHalf - 1)), (Math.Max(from, LastHalf + 1), to)]);

    public static CharacterSet Union(params IEnumerable<CharacterSet> sets) => new(sets.SelectMany(set => set.Ranges));

    /// <summary>All but these, up to U+FFFF: beyond that some readers of patterns count a character as two.</summary>
    public CharacterSet Others()
    {
        var others = new List<CharacterSet>();
        var next = 0;
        foreach (var (from, to) in Ranges)
        {
            others.Add(Of(next, from - 1));
            next = to + 1;
        }

        return Union([
            .. others
                .Append(Of(next, MostCommon))
                .SelectMany(set => set.Ranges)
                .Select(range => Of(range.From, Math.Min(range.To, MostCommon))),
        ]);
    }
}
