namespace AgentLightning.Access;

/// <summary>What a key may do; each role may do what the ones before it may.</summary>
public enum Role
{
    /// <summary>Look at records and figures.</summary>
    Read,

    /// <summary>Also add records: episodes, rewards, feedback, traces.</summary>
    Write,

    /// <summary>Also change what serves, delete records and read the audit log.</summary>
    Admin,
}

/// <summary>A key as it may be shown: everything but the key itself, which nobody keeps.</summary>
/// <param name="Id">Stands in the key and names it in lists and in the audit log.</param>
/// <param name="Agents">The agents it is for; null for all of them.</param>
/// <param name="LastUsedAt">When it was last let in, to a minute.</param>
public sealed record ApiKey(
    string Id,
    string Name,
    Role Role,
    IReadOnlyList<string>? Agents,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt = null,
    DateTimeOffset? RevokedAt = null,
    DateTimeOffset? LastUsedAt = null
)
{
    /// <summary>Whether it opens anything at this time.</summary>
    public bool IsValid(DateTimeOffset now) => RevokedAt is null && (ExpiresAt is null || now < ExpiresAt);

    /// <summary>Whether it is for this agent.</summary>
    public bool IsFor(string agentId) => Agents is null || Agents.Contains(agentId, StringComparer.Ordinal);
}

/// <summary>A key with the hash of its text.</summary>
public sealed record StoredApiKey(ApiKey Key, byte[] Hash);

/// <summary>A key that was just made, with its text, which is shown once and kept nowhere.</summary>
public sealed record NewApiKey(ApiKey Key, string Text)
{
    /// <summary>Not the one of a record, which would show the text.</summary>
    public override string ToString() => Key.Id;
}
