namespace AgentLightning.Client.Export;

/// <summary>How long to wait before a request is tried again.</summary>
internal static class Backoff
{
    /// <summary>What a server may ask for at most.</summary>
    private static readonly TimeSpan s_longestAsked = TimeSpan.FromMinutes(10);

    /// <summary>
    /// A random part of a span that doubles with each attempt up to <paramref name="longest"/>: clients that lost a server together do not
    /// come back together. Not less than the server asked for.
    /// </summary>
    /// <param name="attempt">Failed attempts so far, from 1.</param>
    /// <param name="chance">0 up to 1.</param>
    public static TimeSpan Of(int attempt, TimeSpan first, TimeSpan longest, TimeSpan? asked, double chance)
    {
        var most = Math.Min(longest.TotalSeconds, first.TotalSeconds * Math.Pow(2, Math.Min(attempt - 1, 30)));
        var least = Math.Min(asked?.TotalSeconds ?? 0, s_longestAsked.TotalSeconds);
        // Spread behind what was asked for too: everybody was told the same.
        return TimeSpan.FromSeconds(least + (chance * (asked is null ? most : Math.Min(most, first.TotalSeconds))));
    }
}
