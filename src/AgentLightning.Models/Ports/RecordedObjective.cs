using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Ports;

/// <summary>An objective that remembers what it is shown, in the order of the sequences.</summary>
internal sealed class RecordedObjective(ISequenceObjective inner) : ISequenceObjective
{
    private double _entropy;
    private int _counted;

    /// <summary>ln p of the tokens of each sequence.</summary>
    public List<float[]> LogProbabilities { get; } = [];

    /// <summary>Mean over the tokens whose advantage is not 0; null where there is none.</summary>
    public double? Entropy => _counted == 0 ? null : _entropy / _counted;

    public SequenceNeeds Needs => inner.Needs;

    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics)
    {
        for (var s = 0; s < batch.Sequences; s++)
        {
            LogProbabilities.Add(batch.LogProbabilities[batch.Starts[s]..batch.Starts[s + 1]].ToArray());
        }

        for (var t = 0; t < Math.Min(batch.Entropies.Length, batch.Advantages.Length); t++)
        {
            (_entropy, _counted) = batch.Advantages[t] == 0 ? (_entropy, _counted) : (_entropy + batch.Entropies[t], _counted + 1);
        }

        return inner.Evaluate(batch, whole, gradients, metrics);
    }
}
