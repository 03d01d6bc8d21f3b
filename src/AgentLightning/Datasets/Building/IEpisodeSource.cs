using AgentLightning.Rewards;

namespace AgentLightning.Datasets.Building;

/// <summary>What stands against an episode by itself.</summary>
[Flags]
internal enum EpisodeFacts
{
    None = 0,
    NotSucceeded = 1,
    Internal = 2,
    PayloadRemoved = 4,
    NoAction = 8,
}

/// <summary>An episode with one of its rewards; one with several comes as often, and one without comes once.</summary>
/// <param name="Tags">A JSON array; null where it has none, or tags are not asked for. So are model and release.</param>
/// <param name="Value">Null where it has no reward.</param>
internal readonly record struct RewardedFact(
    string Id,
    string? Session,
    string InputKey,
    EpisodeFacts Facts,
    double? Value,
    bool IsPenalty,
    bool IsCorrected,
    string? Model,
    string? Release,
    string? Tags
);

/// <summary>What a row is made of. Texts are UTF-8, as they lie in the store: nothing becomes a text of .NET that need not.</summary>
internal sealed class EpisodeContent
{
    public required string Id { get; init; }
    public string? Session { get; init; }
    public string? User { get; init; }
    public required string InputKey { get; init; }
    public string? Slice { get; init; }
    public required byte[] Input { get; init; }
    public required byte[] Output { get; init; }
    public byte[]? ToolCalls { get; init; }
    public byte[]? Messages { get; init; }
    public string? Action { get; init; }
    public double? LogProbability { get; init; }
    public byte[]? Correction { get; init; }

    /// <summary>The tools that were offered, as JSON in OpenAI's form.</summary>
    public byte[]? Tools { get; init; }
}

/// <summary>Where the episodes of a data set come from.</summary>
internal interface IEpisodeSource
{
    /// <summary>Every episode of an agent in a period, oldest first, on one snapshot.</summary>
    Task ScanAsync(string agentId, DatasetRequest request, Action<RewardedFact> found, CancellationToken cancellationToken);

    /// <summary>How many episodes an agent has, whenever they were.</summary>
    Task<long> CountAsync(string agentId, CancellationToken cancellationToken);

    /// <summary>The contents of these episodes, in their order; null for one that is there no more.</summary>
    /// <param name="ids">All different.</param>
    /// <param name="corrections">Whether what a reviewer said would have been right is asked for too.</param>
    Task<EpisodeContent?[]> ReadAsync(
        IReadOnlyList<string> ids,
        IReadOnlyList<RewardSource>? sources,
        bool corrections,
        CancellationToken cancellationToken
    );
}
