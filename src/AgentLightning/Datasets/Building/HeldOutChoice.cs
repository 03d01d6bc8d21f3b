namespace AgentLightning.Datasets.Building;

/// <summary>
/// Which sessions and inputs are held out: those whose place in [0, 1), a hash of seed and key, is below the share. So each keeps its side
/// when more arrive, and in every data set of one seed. Where there are fewer than <see cref="Few"/>, chance would often leave one side
/// empty: then those with the first places are held out, as many as the share asks for.
/// </summary>
internal sealed class HeldOutChoice(DatasetRequest request)
{
    public const int Few = 20;
    private readonly Dictionary<string, byte> _groups = new(StringComparer.Ordinal);
    private readonly List<double> _places = [];
    private bool _isMany;

    /// <param name="group">Which of few groups the key is; any where there are many.</param>
    public bool IsHeldOut(string key, out byte group)
    {
        var place = DatasetReader.PlaceOf(key, request.Seed);
        group = 0;
        if (!_isMany && !_groups.TryGetValue(key, out group))
        {
            group = (byte)_places.Count;
            _groups.Add(key, group);
            _places.Add(place);
            _isMany = _places.Count == Few;
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

        var sizes = new int[_places.Count];
        for (var i = 0; i < candidates.Count; i++)
        {
            sizes[candidates[i].Group]++;
        }

        // A share of 0.2 of five is one, whatever 1 - 0.2 is in binary.
        var room = candidates.Count - Math.Max(1, (int)((candidates.Count * (1 - request.HeldOutShare)) + 1e-9));
        var heldOut = new bool[sizes.Length];
        foreach (var group in Enumerable.Range(0, sizes.Length).OrderBy(group => _places[group]))
        {
            heldOut[group] = sizes[group] <= room;
            room -= heldOut[group] ? sizes[group] : 0;
        }

        for (var i = 0; i < candidates.Count; i++)
        {
            ref var candidate = ref candidates[i];
            candidate.Marks = heldOut[candidate.Group]
                ? candidate.Marks | CandidateMarks.HeldOut
                : candidate.Marks & ~CandidateMarks.HeldOut;
        }
    }
}
