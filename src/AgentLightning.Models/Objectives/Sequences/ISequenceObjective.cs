namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// What a policy that draws sequences is trained towards. A pure function of what is known of their tokens; it knows neither the policy nor
/// where advantages come from. A classifier's answer is a sequence of one token.
/// </summary>
public interface ISequenceObjective
{
    /// <summary>What it reads.</summary>
    SequenceNeeds Needs { get; }

    /// <summary>
    /// The share of the loss that this batch has of the whole update. Writes its gradient, and adds to the metrics under their usual names.
    /// </summary>
    double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics);
}
