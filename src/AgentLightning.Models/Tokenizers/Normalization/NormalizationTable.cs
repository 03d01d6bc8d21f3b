using System.Globalization;

namespace AgentLightning.Models.Tokenizers.Normalization;

/// <summary>The Unicode data behind normal forms, read once from <c>normalization.txt</c>.</summary>
/// <remarks>
/// The runtime's own normal forms return text unchanged when globalisation is invariant, as it is in this product; tokens would silently be
/// other ones.
/// </remarks>
internal sealed class NormalizationTable
{
    private static readonly Lazy<NormalizationTable> s_instance = new(Read);
    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatible = [];
    private readonly Dictionary<long, int> _composites = [];
    private readonly Dictionary<int, byte> _classes = [];
    private readonly HashSet<int> _seconds = [];
    private readonly HashSet<int> _composed = [];
    private readonly ulong[]?[] _changing = new ulong[]?[4];

    public static NormalizationTable Instance => s_instance.Value;

    public int ClassOf(int point) => point < 0x300 ? 0 : _classes.GetValueOrDefault(point);

    /// <summary>
    /// The full decomposition of a code point, or null when it stands for itself. Hangul syllables are arithmetic and not in here.
    /// </summary>
    public int[]? Decompose(int point, bool compatible) =>
        compatible && _compatible.TryGetValue(point, out var wide) ? wide : _canonical.GetValueOrDefault(point);

    /// <summary>The character that two make together, or −1.</summary>
    public int Compose(int first, int second) => _composites.GetValueOrDefault(Key(first, second), -1);

    /// <summary>Whether text that has this code point may not be in the normal form.</summary>
    public bool MayChange(int point, bool composed, bool compatible)
    {
        if (ClassOf(point) != 0 || (compatible && _compatible.ContainsKey(point)))
        {
            return true;
        }

        return composed
            ? _seconds.Contains(point)
                || (_canonical.ContainsKey(point) && !_composed.Contains(point))
                || point is (>= 0x1161 and <= 0x1175) or (>= 0x11A8 and <= 0x11C2)
            : _canonical.ContainsKey(point) || point is >= 0xAC00 and <= 0xD7A3;
    }

    /// <summary>One bit for each character of the BMP that may change, so that most text passes quickly. Surrogates are set.</summary>
    public ulong[] Changing(bool composed, bool compatible)
    {
        ref var bits = ref _changing[(composed ? 2 : 0) + (compatible ? 1 : 0)];
        if (Volatile.Read(ref bits) is { } known)
        {
            return known;
        }

        var made = new ulong[0x10000 / 64];
        for (var point = 0; point < 0x10000; point++)
        {
            if (char.IsSurrogate((char)point) || MayChange(point, composed, compatible))
            {
                made[point >> 6] |= 1UL << (point & 63);
            }
        }

        Volatile.Write(ref bits, made);
        return made;
    }

    private static long Key(int first, int second) => ((long)first << 32) | (uint)second;

    private static NormalizationTable Read()
    {
        using var stream = typeof(NormalizationTable).Assembly.GetManifestResourceStream("normalization.txt")!;
        using var reader = new StreamReader(stream);
        var table = new NormalizationTable();
        var pairs = new List<(int Point, int First, int Second)>();
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '#')
            {
                continue;
            }

            var words = line[2..].Split(' ');
            if (line[0] == 'K')
            {
                for (var point = Hex(words[1]); point <= Hex(words[2]); point++)
                {
                    table._classes[point] = byte.Parse(words[0], CultureInfo.InvariantCulture);
                }

                continue;
            }

            var target = Array.ConvertAll(words[1..], Hex);
            if (line[0] == 'C')
            {
                pairs.Add((Hex(words[0]), target[0], target[1]));
            }
            else
            {
                (line[0] == 'X' ? table._compatible : table._canonical)[Hex(words[0])] = target;
            }
        }

        table.Add(pairs);
        return table;
    }

    private void Add(List<(int Point, int First, int Second)> pairs)
    {
        foreach (var (point, first, second) in pairs)
        {
            _composites[Key(first, second)] = point;
            _seconds.Add(second);
            _composed.Add(point);
            _canonical[point] = [first, second];
        }

        foreach (var (point, _, _) in pairs)
        {
            var full = new List<int>();
            Expand(point, full);
            _canonical[point] = [.. full];
        }
    }

    private void Expand(int point, List<int> full)
    {
        if (_canonical.TryGetValue(point, out var parts) && parts[0] != point)
        {
            foreach (var part in parts)
            {
                Expand(part, full);
            }
        }
        else
        {
            full.Add(point);
        }
    }

    private static int Hex(string word) => int.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
