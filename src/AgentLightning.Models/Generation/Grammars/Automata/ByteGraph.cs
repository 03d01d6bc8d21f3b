namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>A pattern as a graph whose ways are its texts in UTF-8, as they are or as JSON writes them in quotes.</summary>
internal sealed class ByteGraph
{
    private const int MostNodes = 50_000;
    private readonly List<List<(int From, int To, int Target)>> _edges = [];
    private readonly List<List<int>> _empty = [];
    private readonly bool _quoted;

    public ByteGraph(Piece piece, bool quoted)
    {
        _quoted = quoted;
        Start = Node();
        var last = Add(piece, quoted ? Edge(Start, '"', '"') : Start);
        End = quoted ? Edge(last, '"', '"') : last;
    }

    public int Start { get; }

    public int End { get; }

    public IReadOnlyList<(int From, int To, int Target)> EdgesOf(int node) => _edges[node];

    /// <summary>The nodes and those that are reached from them without a byte, in order.</summary>
    public int[] Close(IEnumerable<int> nodes)
    {
        var open = new Stack<int>(nodes);
        var all = new HashSet<int>(open);
        while (open.TryPop(out var node))
        {
            foreach (var target in _empty[node].Where(all.Add))
            {
                open.Push(target);
            }
        }

        return [.. all.Order()];
    }

    /// <summary>Adds a piece that begins at a node, and gives the node where it ends.</summary>
    private int Add(Piece piece, int from)
    {
        switch (piece)
        {
            case Sequence sequence:
                return sequence.Parts.Aggregate(from, (at, part) => Add(part, at));
            case Choice choice:
                var end = Node();
                foreach (var option in choice.Options)
                {
                    _empty[Add(option, from)].Add(end);
                }

                return end;
            case Repeat repeat:
                for (var i = 0; i < repeat.Least; i++)
                {
                    from = Add(repeat.Part, from);
                }

                return repeat.Most is { } most ? Optional(repeat.Part, from, most - repeat.Least) : Star(repeat.Part, from);
            default:
                var to = Node();
                foreach (var (low, high) in ((OneOf)piece).Set.Ranges)
                {
                    Characters(from, to, low, high);
                }

                return to;
        }
    }

    private int Optional(Piece part, int from, int times)
    {
        var end = Node();
        _empty[from].Add(end);
        for (var i = 0; i < times; i++)
        {
            from = Add(part, from);
            _empty[from].Add(end);
        }

        return end;
    }

    private int Star(Piece part, int from)
    {
        var at = Node();
        _empty[from].Add(at);
        _empty[Add(part, at)].Add(at);
        // What comes after must not lead back into it.
        var end = Node();
        _empty[at].Add(end);
        return end;
    }

    private void Characters(int from, int to, int low, int high)
    {
        if (_quoted)
        {
            for (; low <= high && low < 0x20; low++)
            {
                Bytes(
                    from,
                    to,
                    low switch
                    {
                        '\b' => "\\b",
                        '\t' => "\\t",
                        '\n' => "\\n",
                        '\f' => "\\f",
                        '\r' => "\\r",
                        _ => $"\\u{low:x4}",
                    }
                );
            }

            foreach (var escaped in "\"\\")
            {
                if (low <= escaped && escaped <= high)
                {
                    Utf8(from, to, low, escaped - 1);
                    Bytes(from, to, "\\" + escaped);
                    low = escaped + 1;
                }
            }
        }

        Utf8(from, to, low, high);
    }

    private void Bytes(int from, int to, string text)
    {
        foreach (var c in text[..^1])
        {
            from = Edge(from, c, c);
        }

        _edges[from].Add((text[^1], text[^1], to));
    }

    private void Utf8(int from, int to, int low, int high)
    {
        // Characters of one length, each byte of which goes through a whole range.
        foreach (var last in (int[])[0x7F, 0x7FF, 0xFFFF])
        {
            if (low <= last && last < high)
            {
                Utf8(from, to, low, last);
                low = last + 1;
            }
        }

        for (var shift = 6; shift <= 18 && low < high && high > 0x7F; shift += 6)
        {
            var mask = (1 << shift) - 1;
            if ((low & ~mask) == (high & ~mask))
            {
                break;
            }

            if ((low & mask) != 0)
            {
                Utf8(from, to, low, low | mask);
                Utf8(from, to, (low | mask) + 1, high);
                return;
            }

            if ((high & mask) != mask)
            {
                Utf8(from, to, low, (high & ~mask) - 1);
                Utf8(from, to, high & ~mask, high);
                return;
            }
        }

        if (low <= high)
        {
            byte[] first = Encoded(low),
                last = Encoded(high);
            for (var i = 0; i < first.Length - 1; i++)
            {
                from = Edge(from, first[i], last[i]);
            }

            _edges[from].Add((first[^1], last[^1], to));
        }
    }

    private static byte[] Encoded(int character) => System.Text.Encoding.UTF8.GetBytes(char.ConvertFromUtf32(character));

    private int Edge(int from, int low, int high)
    {
        var to = Node();
        _edges[from].Add((low, high, to));
        return to;
    }

    private int Node()
    {
        if (_edges.Count == MostNodes)
        {
            throw new FormatException($"takes more than {MostNodes:N0} steps. Make it simpler, or its repetitions fewer");
        }

        _edges.Add([]);
        _empty.Add([]);
        return _edges.Count - 1;
    }
}
