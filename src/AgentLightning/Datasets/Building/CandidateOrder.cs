namespace AgentLightning.Datasets.Building;

/// <summary>
/// The order in which candidates become rows, and which of them can be one row together: conversations by themselves in the order of time,
/// everything else by input, where those of one side are together.
/// </summary>
internal sealed class CandidateOrder
{
    private readonly CandidateList _candidates;
    private readonly bool _grouped;

    private CandidateOrder(CandidateList candidates, int[] order, bool grouped) =>
        (_candidates, Indices, _grouped) = (candidates, order, grouped);

    public int[] Indices { get; private set; }

    public static CandidateOrder Of(CandidateList candidates, DatasetRequest request, Exclusions excluded)
    {
        var order = new CandidateOrder(candidates, [.. Enumerable.Range(0, candidates.Count)], request.Kind != DatasetKind.Chat);
        if (order._grouped)
        {
            var keys = Array.ConvertAll(order.Indices, index => candidates[index].Input);
            Array.Sort(keys, order.Indices);
            for (var start = 0; start < keys.Length; )
            {
                var end = Array.FindIndex(keys, start, key => key != keys[start]) is var found && found < 0 ? keys.Length : found;
                Array.Sort(order.Indices, start, end - start, Comparer<int>.Create(order.Compare));
                start = end;
            }

            order.Choose(request, excluded);
        }

        return order;
    }

    /// <summary>Where the unit ends that begins here.</summary>
    public int EndOf(int start)
    {
        var end = start + 1;
        while (_grouped && end < Indices.Length && IsOne(Indices[start], Indices[end]))
        {
            end++;
        }

        return end;
    }

    /// <summary>The same order of those alone that are held out.</summary>
    public CandidateOrder HeldOut() =>
        new(_candidates, Array.FindAll(Indices, index => _candidates[index].Marks.HasFlag(CandidateMarks.HeldOut)), _grouped);

    private bool IsOne(int left, int right) =>
        _candidates[left].Input == _candidates[right].Input
        && (_candidates[left].Marks & CandidateMarks.HeldOut) == (_candidates[right].Marks & CandidateMarks.HeldOut);

    private int Compare(int left, int right)
    {
        var side = (_candidates[left].Marks & CandidateMarks.HeldOut).CompareTo(_candidates[right].Marks & CandidateMarks.HeldOut);
        return side != 0 ? side : left.CompareTo(right);
    }

    /// <summary>Leaves out inputs of which no row can be made, and those that are too many.</summary>
    private void Choose(DatasetRequest request, Exclusions excluded)
    {
        var units = new List<(int Start, int End, double Best)>();
        for (var start = 0; start < Indices.Length; )
        {
            var end = EndOf(start);
            var unit = Indices[start..end];
            if (request.Kind == DatasetKind.Preference && !HasPair(unit))
            {
                excluded.Add(ExclusionReason.NoPair, unit.Length);
            }
            else
            {
                units.Add((start, end, unit.Max(index => _candidates[index].Reward)));
            }

            start = end;
        }

        if (request.MaxExamples is { } most && units.Count > most)
        {
            var ordered = units.OrderByDescending(unit => unit.Best).ThenBy(unit => unit.Start).ToList();
            excluded.Add(ExclusionReason.BeyondMaxExamples, ordered.Skip(most).Sum(unit => unit.End - unit.Start));
            units = [.. ordered.Take(most).OrderBy(unit => unit.Start)];
        }

        Indices = [.. units.SelectMany(unit => Indices[unit.Start..unit.End])];
    }

    private bool HasPair(int[] unit) =>
        unit.Any(index =>
            _candidates[index].Marks.HasFlag(CandidateMarks.Corrected) || _candidates[index].Reward != _candidates[unit[0]].Reward
        );
}
