namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>
/// What a pattern allows, byte by byte: it is in one state, and each byte leads to another or to none. From every state a whole text can be
/// reached.
/// </summary>
internal sealed class Automaton
{
    public const int MostStates = 5_000;

    private Automaton(int[][] next, bool[] ends, int[] left) => (Next, Ends, Left) = (next, ends, left);

    /// <summary>[state][byte]; −1 where a byte does not fit.</summary>
    public int[][] Next { get; }

    /// <summary>Whether the text may end in a state.</summary>
    public bool[] Ends { get; }

    /// <summary>Fewest bytes to where it may end.</summary>
    public int[] Left { get; }

    /// <summary>Null where no text fits.</summary>
    /// <exception cref="FormatException">It takes too many states.</exception>
    public static Automaton? Of(ByteGraph graph)
    {
        var sets = new Dictionary<string, int>(StringComparer.Ordinal);
        var (list, next) = (new List<int[]>(), new List<int[]>());
        StateOf([graph.Start]);
        for (var state = 0; state < list.Count; state++)
        {
            var targets = new List<int>?[256];
            foreach (var (from, to, target) in list[state].SelectMany(graph.EdgesOf))
            {
                for (var value = from; value <= to; value++)
                {
                    (targets[value] ??= []).Add(target);
                }
            }

            next.Add([.. targets.Select(target => target is null ? -1 : StateOf(target))]);
        }

        return Pruned([.. next], [.. list.Select(set => set.Contains(graph.End))]);

        int StateOf(IEnumerable<int> nodes)
        {
            var closed = graph.Close(nodes);
            var key = string.Join(',', closed);
            if (!sets.TryGetValue(key, out var state))
            {
                sets[key] = state =
                    list.Count < MostStates
                        ? list.Count
                        : throw new FormatException($"takes more than {MostStates:N0} states. Make it simpler, or its repetitions fewer");
                list.Add(closed);
            }

            return state;
        }
    }

    /// <summary>Without the ways that lead to no end.</summary>
    private static Automaton? Pruned(int[][] next, bool[] ends)
    {
        var left = new int[next.Length];
        Array.Fill(left, int.MaxValue);
        var from = new List<int>[next.Length];
        for (var state = 0; state < next.Length; state++)
        {
            foreach (var to in next[state].Where(to => to >= 0).Distinct())
            {
                (from[to] ??= []).Add(state);
            }
        }

        var open = new Queue<int>(Enumerable.Range(0, next.Length).Where(state => ends[state]));
        foreach (var state in open)
        {
            left[state] = 0;
        }

        while (open.TryDequeue(out var state))
        {
            foreach (var before in (from[state] ?? []).Where(before => left[before] == int.MaxValue))
            {
                left[before] = left[state] + 1;
                open.Enqueue(before);
            }
        }

        return left[0] == int.MaxValue
            ? null
            : new Automaton(
                [.. next.Select(row => (int[])[.. row.Select(to => to >= 0 && left[to] < int.MaxValue ? to : -1)])],
                ends,
                left
            );
    }
}
