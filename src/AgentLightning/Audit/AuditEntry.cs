namespace AgentLightning.Audit;

/// <summary>What was done, or tried.</summary>
public enum AuditAction
{
    KeyCreated,
    KeyRevoked,
    AccessRefused,
    Promoted,
    RolledBack,
    Deactivated,
    Deleted,
    ExperimentStarted,
    ExperimentChanged,
    ExperimentEnded,
}

/// <summary>How it ended.</summary>
public enum AuditOutcome
{
    Succeeded,
    Refused,
    Failed,
}

/// <summary>One line of the record of who did what. Entries are only added.</summary>
/// <param name="AgentId">Whose records it was about; null when it was about no single agent's.</param>
/// <param name="Actor">Who: <c>key ID</c>, <c>cli</c>, <c>api</c> for a server without keys, <c>reward-guard</c>, <c>retention</c>.</param>
/// <param name="Subject">What it was done to: the id of a key, of a release, of an episode, or a route.</param>
/// <param name="Detail">More, by name; no content of episodes and no secret.</param>
public sealed record AuditEntry(
    string Id,
    DateTimeOffset At,
    string? AgentId,
    string Actor,
    AuditAction Action,
    string Subject,
    AuditOutcome Outcome,
    IReadOnlyDictionary<string, string>? Detail
);
