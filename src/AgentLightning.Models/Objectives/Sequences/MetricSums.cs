namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>Metrics under the names that they have in the field, gathered over the parts of an update.</summary>
public sealed class MetricSums
{
    private readonly Dictionary<string, (double Sum, double Count)> _means = [];
    private readonly Dictionary<string, double> _extremes = [];

    /// <summary>What was gathered, in the order of names; without a metric of nothing.</summary>
    public IReadOnlyDictionary<string, double> Values =>
        new SortedDictionary<string, double>(
            _means
                .Where(mean => mean.Value.Count > 0)
                .Select(mean => KeyValuePair.Create(mean.Key, mean.Value.Sum / mean.Value.Count))
                .Concat(_extremes.Select(extreme => KeyValuePair.Create(extreme.Key, extreme.Value)))
                .ToDictionary(),
            StringComparer.Ordinal
        );

    /// <summary>Adds to a mean.</summary>
    public void Mean(string name, double sum, double count)
    {
        var (oldSum, oldCount) = _means.GetValueOrDefault(name);
        _means[name] = (oldSum + sum, oldCount + count);
    }

    /// <summary>Keeps the largest.</summary>
    public void Largest(string name, double value) =>
        _extremes[name] = _extremes.TryGetValue(name, out var seen) ? Math.Max(seen, value) : value;

    /// <summary>Keeps the smallest.</summary>
    public void Smallest(string name, double value) =>
        _extremes[name] = _extremes.TryGetValue(name, out var seen) ? Math.Min(seen, value) : value;
}
