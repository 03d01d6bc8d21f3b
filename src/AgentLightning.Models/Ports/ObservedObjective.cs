using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Ports;

/// <summary>An objective that remembers how undecided the policy was.</summary>
internal sealed class ObservedObjective(ISequenceObjective inner) : ISequenceObjective
{
    private double _entropy;
    private int _counted;

    /// <summary>Mean over the tokens whose advantage is not 0; null where there is none.</summary>
    public double? Entropy => _counted == 0 ? null : _entropy / _counted;

    public SequenceNeeds Needs => inner.Needs;

    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics)
    {
        for (var t = 0; t < Math.Min(batch.Entropies.Length, batch.Advantages.Length); t++)
        {
            (_entropy, _counted) = batch.Advantages[t] == 0 ? (_entropy, _counted) : (_entropy + batch.Entropies[t], _counted + 1);
        }

        return inner.Evaluate(batch, whole, gradients, metrics);
    }
}
