namespace AgentLightning.Datasets.Building;

/// <summary>
/// Which sessions and inputs are held out: those whose place in [0, 1), a hash of seed and key, is below the share. So each keeps its side
/// when more arrive, and in every data set of one seed. Where there are fewer than <see cref="Few"/>, chance would often leave one side
/// empty: then those with the first places are held out, as many as the share asks for.
/// </summary>
internal sealed class HeldOutChoice(DatasetRequest request)
{
    public const int Few = 20;
    private readonly Dictionary<ulong, double> _places = [];
    private bool _isMany;

    public bool IsHeldOut(string key, ulong group)
    {
        var place = DatasetReader.PlaceOf(key, request.Seed);
        if (!_isMany && !_places.ContainsKey(group))
        {
            _isMany = _places.Count + 1 >= Few;
            _places[group] = place;
        }

        return place < request.HeldOutShare;
    }

    /// <summary>Settles the sides of few groups.</summary>
    public void Settle(CandidateList candidates)
    {
        if (_isMany || request.Kind == DatasetKind.Classification)
        {
            return;
        }

        var sizes = new Dictionary<ulong, int>();
        for (var i = 0; i < candidates.Count; i++)
        {
            sizes[candidates[i].Group] = sizes.GetValueOrDefault(candidates[i].Group) + 1;
        }

        // A share of 0.2 of five is one, whatever 1 - 0.2 is in binary.
        var room = candidates.Count - Math.Max(1, (int)((candidates.Count * (1 - request.HeldOutShare)) + 1e-9));
        var heldOut = new HashSet<ulong>();
        foreach (var (group, size) in sizes.OrderBy(group => _places[group.Key]).ThenBy(group => group.Key))
        {
            if (size <= room)
            {
                room -= size;
                heldOut.Add(group);
            }
        }

        for (var i = 0; i < candidates.Count; i++)
        {
            ref var candidate = ref candidates[i];
            candidate.Marks = heldOut.Contains(candidate.Group)
                ? candidate.Marks | CandidateMarks.HeldOut
                : candidate.Marks & ~CandidateMarks.HeldOut;
        }
    }
}
