namespace AgentLightning.Feedback;

/// <summary>
/// What one person did or said about one message, and the reward computed from it. Nothing is overwritten: later feedback supersedes.
/// </summary>
public sealed record MessageFeedback
{
    /// <summary>UUIDv7 of ours, or a client's own id, which then is an idempotency key.</summary>
    public required string Id { get; init; }

    /// <summary>The message as the caller named it.</summary>
    public required string MessageId { get; init; }

    /// <summary>The episode that gave the message.</summary>
    public required string EpisodeId { get; init; }

    public required string AgentId { get; init; }

    /// <summary>The conversation of the message.</summary>
    public string? SessionId { get; init; }

    /// <summary>Who gave it; null for people who are not known, who count as one person per message.</summary>
    public string? UserId { get; init; }

    /// <summary>One of <see cref="FeedbackTypes.All"/>.</summary>
    public required string FeedbackType { get; init; }

    /// <summary>1…5 stars.</summary>
    public int? Rating { get; init; }

    public bool? Helpful { get; init; }

    public bool? Accurate { get; init; }

    public bool? Complete { get; init; }

    public string? Comment { get; init; }

    /// <summary>0…1, by <see cref="RewardCalculator"/>.</summary>
    public required double RewardScore { get; init; }

    /// <summary>When the message was made; the share of answered messages is counted by it.</summary>
    public required DateTimeOffset MessageCreatedAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was superseded; <see cref="CreatedAt"/> until then.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>False when the same person said something else about the message later.</summary>
    public bool IsCurrent { get; init; } = true;
}
