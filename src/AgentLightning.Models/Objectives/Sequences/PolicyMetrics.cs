namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>What every objective with a ratio tells: how far the policy has moved, and how often clipping stopped it.</summary>
internal ref struct PolicyMetrics(SequenceBatch batch, MetricSums metrics)
{
    private readonly SequenceBatch _batch = batch;
    private double _ratios,
        _low,
        _high,
        _smallest = double.PositiveInfinity,
        _largest = double.NegativeInfinity;
    private int _count;

    public void Add(double ratio, (bool Low, bool High) clipped)
    {
        _count++;
        _ratios += ratio;
        (_smallest, _largest) = (Math.Min(_smallest, ratio), Math.Max(_largest, ratio));
        _low += clipped.Low ? 1 : 0;
        _high += clipped.High ? 1 : 0;
    }

    public readonly void Write()
    {
        if (_count == 0)
        {
            return;
        }

        metrics.Mean("clip_ratio/low_mean", _low, _count);
        metrics.Mean("clip_ratio/high_mean", _high, _count);
        metrics.Mean("clip_ratio/region_mean", _low + _high, _count);
        metrics.Smallest("clip_ratio/low_min", _low / _count);
        metrics.Largest("clip_ratio/high_max", _high / _count);
        metrics.Mean("ratio/mean", _ratios, _count);
        metrics.Smallest("ratio/min", _smallest);
        metrics.Largest("ratio/max", _largest);
        double squares = 0,
            divergence = 0;
        for (var t = 0; t < _batch.Tokens; t++)
        {
            var moved = (double)_batch.LogProbabilities[t] - _batch.OldLogProbabilities[t];
            squares += 0.5 * moved * moved;
            divergence += _batch.ReferenceLogProbabilities.IsEmpty
                ? 0
                : KullbackLeibler.K3(_batch.LogProbabilities[t], _batch.ReferenceLogProbabilities[t]).Value;
        }

        metrics.Mean("approx_kl", squares, _batch.Tokens);
        metrics.Mean("kl", divergence, _batch.ReferenceLogProbabilities.Length);
        metrics.Mean("entropy", SequenceSums.Sum(_batch.Entropies, 0, _batch.Entropies.Length), _batch.Entropies.Length);
    }
}
