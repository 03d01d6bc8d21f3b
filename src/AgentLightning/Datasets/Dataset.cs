namespace AgentLightning.Datasets;

/// <summary>Which part of a data set an example belongs to.</summary>
public enum DatasetSide
{
    Train,
    Validation,
}

/// <summary>An immutable, versioned selection of rewarded episodes, with the query and the seed that made it.</summary>
/// <param name="Version">Counts from 1 for each agent and name.</param>
/// <param name="QueryFilter">What was selected, in words.</param>
/// <param name="RewardThreshold">The least reward of an answer in it; null when all were taken.</param>
/// <param name="Seed">Decides which inputs are held out.</param>
/// <param name="TrainingCount">Different inputs to learn from.</param>
/// <param name="ValidationCount">Different inputs held out.</param>
/// <param name="EpisodeCount">Episodes on both sides.</param>
/// <param name="Artifact">Hash and address of the content.</param>
public sealed record Dataset(
    string Id,
    string AgentId,
    string Name,
    int Version,
    string QueryFilter,
    double? RewardThreshold,
    long Seed,
    int TrainingCount,
    int ValidationCount,
    int EpisodeCount,
    string Artifact,
    DateTimeOffset CreatedAt
)
{
    /// <summary>What its rows are.</summary>
    public DatasetKind Kind { get; init; }

    /// <summary>What its maker says of it; null for nothing.</summary>
    public string? Description { get; init; }

    /// <summary>How many of its episodes were deleted since; the content still holds them.</summary>
    public int ErasedCount { get; init; }

    /// <summary>What was asked for and what was left out, as JSON of <see cref="DatasetSelection"/>; null where it was not kept.</summary>
    public string? Selection { get; init; }
}

/// <summary>What a data set was made of.</summary>
/// <param name="EpisodesSeen">Episodes of the agent, in it or not; lines, for a golden file.</param>
public sealed record DatasetSelection(DatasetRequest Request, long EpisodesSeen, IReadOnlyList<DatasetExclusion> Excluded);

/// <summary>One input with every answer that was given to it.</summary>
/// <param name="Key">The input's key; no key is on both sides.</param>
/// <param name="Expected">The right answer, where a reviewer said it.</param>
public sealed record DatasetExample(string Key, DatasetSide Side, string Input, string? Expected, IReadOnlyList<DatasetAnswer> Answers);

/// <summary>An answer that was given, how likely it was to be given, and how good it was.</summary>
/// <param name="LogProbability">ln μ(action | input), 0 when it was certain.</param>
/// <param name="Reward">−1…1, all current rewards of the episode taken together.</param>
public sealed record DatasetAnswer(string EpisodeId, string Action, double LogProbability, double Reward);
