namespace AgentLightning.Spending;

/// <summary>What somebody spent in a month.</summary>
/// <param name="Who">The actor of a scope, such as <c>key 0198…</c>.</param>
/// <param name="Month">Such as <c>2026-11</c>, in UTC.</param>
/// <param name="Amount">In units of 1e-9 of the currency of the prices.</param>
public sealed record Spend(string Who, string Month, long Amount)
{
    /// <summary>The month of a time.</summary>
    public static string MonthOf(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Keeps what was spent.</summary>
public interface ISpendStore
{
    /// <summary>Adds amounts to what is there, all or none.</summary>
    Task AddAsync(IReadOnlyList<Spend> amounts, CancellationToken cancellationToken);

    /// <summary>What everybody spent in a month.</summary>
    Task<IReadOnlyList<Spend>> ReadAsync(string month, CancellationToken cancellationToken);
}
