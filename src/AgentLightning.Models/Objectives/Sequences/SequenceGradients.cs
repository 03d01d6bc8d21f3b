namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>Where an objective writes the gradient of its loss, per token.</summary>
public readonly ref struct SequenceGradients
{
    /// <summary>d loss / d ln π(token).</summary>
    public required Span<float> LogProbabilities { get; init; }

    /// <summary>d loss / d entropy; empty where the objective does not need entropies.</summary>
    public Span<float> Entropies { get; init; }

    /// <summary>d loss / d value; empty where the objective does not need values.</summary>
    public Span<float> Values { get; init; }

    /// <summary>Sets all to 0.</summary>
    internal void Clear()
    {
        LogProbabilities.Clear();
        Entropies.Clear();
        Values.Clear();
    }
}
