namespace AgentLightning.Health;

/// <summary>That the process lives.</summary>
/// <param name="Status"><c>healthy</c>.</param>
public sealed record Liveness(string Status, DateTimeOffset Timestamp);

/// <summary>One thing that must work.</summary>
/// <param name="Status"><c>healthy</c> or <c>unhealthy</c>.</param>
/// <param name="Detail">What is wrong; null when nothing is.</param>
public sealed record HealthCheck(string Name, string Status, double DurationMs, string? Detail);

/// <summary>Whether a server, or a store, can do its work now.</summary>
/// <param name="Status"><c>healthy</c>, <c>unhealthy</c>, or <c>draining</c> while a server ends.</param>
/// <param name="Initialized">Whether the store is open and its schema up to date.</param>
/// <param name="Database"><c>sqlite</c> or <c>postgresql</c>.</param>
/// <param name="AuthMode"><c>api_key</c>, or <c>anonymous</c> when nobody needs a key.</param>
public sealed record HealthReport(
    string Status,
    bool Initialized,
    string Database,
    string AuthMode,
    IReadOnlyList<HealthCheck> Checks,
    DateTimeOffset Timestamp
);
