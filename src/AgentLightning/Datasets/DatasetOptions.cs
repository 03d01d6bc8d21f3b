using AgentLightning.Common;

namespace AgentLightning.Datasets;

/// <summary>What a data set is made like where its request does not say.</summary>
public sealed record DatasetOptions
{
    /// <summary>Share of the examples to learn from, 0.5…0.95; 0.8 by default. The others are held out.</summary>
    public double TrainSplit { get; init; } = 0.8;

    /// <summary>The least reward of an answer that conversations are learned from, −1…1; 0 by default.</summary>
    public double MinReward { get; init; }

    /// <summary>Most examples of a data set, the most rewarded first, 1…5,000,000; 10,000 by default.</summary>
    public int MaxExamples { get; init; } = 10_000;

    /// <summary>Whether calls of tools and their results are part of conversations; they are by default.</summary>
    public bool IncludeTools { get; init; } = true;

    /// <summary>Stands before conversations that have no system message; null for none.</summary>
    public string? SystemPrompt { get; init; }

    internal void Validate() =>
        new DatasetRequest("agent", "data", 0, 1 - TrainSplit, MinReward) { MaxExamples = MaxExamples, SystemPrompt = SystemPrompt }.Check(
            "of the data sets "
        );
}
