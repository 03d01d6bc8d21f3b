using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>One thing that was checked, and what was seen.</summary>
public sealed record CheckResult(string Name, bool Passed, string Detail);

/// <summary>
/// Looks whether a store is what it must be: sound, at the newest schema, and with totals that equal a count over all rows.
/// </summary>
public sealed class StoreCheck
{
    /// <summary>Totals that differ from a count over the rows; empty when all agree.</summary>
    private const string DifferencesSql = """
        SELECT agent_id, SUM(episodes) AS episodes, SUM(failed) AS failed, SUM(rewards) AS rewards, SUM(reward_sum) AS reward_sum,
               SUM(excellent) AS excellent, SUM(good) AS good
        FROM (
            SELECT agent_id, day, model, intent, persona, episodes, failed, rewards, reward_sum, excellent, good FROM daily_totals
            UNION ALL
            SELECT agent_id, created_at / 86400000000, COALESCE(model, ''), COALESCE(intent, ''), COALESCE(persona, ''),
                   -1, CASE WHEN status = 'succeeded' THEN 0 ELSE -1 END, 0, 0, 0, 0
            FROM episodes
            UNION ALL
            SELECT r.agent_id, e.created_at / 86400000000, COALESCE(e.model, ''), COALESCE(e.intent, ''), COALESCE(e.persona, ''), 0, 0, -1,
                   -CAST(ROUND(r.value * 1000000000) AS BIGINT), CASE WHEN r.value >= @excellent THEN -1 ELSE 0 END,
                   CASE WHEN r.value >= @good AND r.value < @excellent THEN -1 ELSE 0 END
            FROM rewards r JOIN episodes e ON e.id = r.episode_id WHERE r.is_current = 1
        ) AS compared
        GROUP BY agent_id, day, model, intent, persona
        HAVING SUM(episodes) <> 0 OR SUM(failed) <> 0 OR SUM(rewards) <> 0 OR ABS(SUM(reward_sum)) > 1000 OR SUM(excellent) <> 0
            OR SUM(good) <> 0
        """;

    /// <summary>The same for the totals of releases.</summary>
    private const string ReleaseDifferencesSql = """
        SELECT agent_id, SUM(episodes) AS episodes, SUM(failed) AS failed, SUM(latency) AS latency, SUM(tokens) AS tokens,
            SUM(squares) AS squares, SUM(rewards) AS rewards, SUM(reward_sum) AS reward_sum
        FROM (
            SELECT deployment_id, agent_id, episodes, failed, latency, prompt_tokens + completion_tokens AS tokens,
                token_squares AS squares, rewards, reward_sum FROM release_totals
            UNION ALL
            SELECT deployment_id, agent_id, -1, CASE WHEN status = 'succeeded' THEN 0 ELSE -1 END,
                -CAST(ROUND(latency_ms * 1000) AS BIGINT),
                   -COALESCE(prompt_tokens, 0) - COALESCE(completion_tokens, 0),
                CASE WHEN COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0) > 3000000 THEN -9000000000000
                     ELSE -(COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0))
                         * (COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0)) END, 0, 0
            FROM episodes WHERE deployment_id IS NOT NULL
            UNION ALL
            SELECT deployment_id, agent_id, 0, 0, 0, 0, 0, -1, -CAST(ROUND(value * 1000000000) AS BIGINT)
                FROM rewards WHERE is_current = 1 AND deployment_id IS NOT NULL
        ) AS compared
        GROUP BY deployment_id, agent_id
        HAVING SUM(episodes) <> 0 OR SUM(failed) <> 0 OR ABS(SUM(latency)) > 1000 OR SUM(tokens) <> 0 OR SUM(squares) <> 0
            OR SUM(rewards) <> 0 OR ABS(SUM(reward_sum)) > 1000
        """;

    /// <summary>The same for how long their episodes took.</summary>
    private static readonly string s_latencyDifferencesSql = $"""
        SELECT agent_id, SUM(episodes) AS episodes
        FROM (
            SELECT deployment_id, agent_id, bucket, episodes FROM release_latencies
            UNION ALL
            SELECT deployment_id, agent_id, (SELECT COUNT(*) FROM (VALUES {LatencyBuckets.EdgesSql}) AS edges
                WHERE column1 <= CAST(ROUND(e.latency_ms * 1000) AS BIGINT)), -1
            FROM episodes e WHERE deployment_id IS NOT NULL
        ) AS compared
        GROUP BY deployment_id, agent_id, bucket
        HAVING SUM(episodes) <> 0
        """;

    private static readonly string[] s_totals = ["daily_totals", "release_totals", "release_latencies"];
    private readonly SqlDatabase _database;

    internal StoreCheck(SqlDatabase database) => _database = database;

    /// <summary>The schema steps that the store has not had yet, by name; empty when it is up to date. Changes nothing.</summary>
    public Task<IReadOnlyList<string>> PendingMigrationsAsync(CancellationToken cancellationToken) =>
        _database.PendingMigrationsAsync(cancellationToken);

    /// <summary>
    /// Completes when the store answers and its schema is this program's; otherwise a <see cref="LightningException"/> says what is wrong.
    /// </summary>
    public async Task CheckUsableAsync(CancellationToken cancellationToken)
    {
        var pending = await PendingMigrationsAsync(cancellationToken).ConfigureAwait(false);
        if (pending.Count > 0)
        {
            throw LightningException.Conflict(
                $"The store lacks the schema steps {string.Join(", ", pending)}. Start a server on it once, or run 'lightning db "
                    + $"migrate', which brings it up to date."
            );
        }
    }

    /// <summary>
    /// The same, and a small write comes to the disk and back: for who asks whether a server can do its work. A full disk, a file that was
    /// removed and damage that a read has met are told.
    /// </summary>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        await CheckUsableAsync(cancellationToken).ConfigureAwait(false);
        await _database.ProbeAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Runs every check; each says what it saw. Reads every row, so that it takes a while on a large store.</summary>
    public async Task<IReadOnlyList<CheckResult>> RunAsync(CancellationToken cancellationToken)
    {
        var pending = await PendingMigrationsAsync(cancellationToken).ConfigureAwait(false);
        List<CheckResult> results =
        [
            new(
                "schema",
                pending.Count == 0,
                pending.Count == 0 ? "up to date" : $"steps to come: {string.Join(", ", pending)}; run 'lightning db migrate'"
            ),
        ];
        results.Add(await _database.CheckFilesAsync(cancellationToken).ConfigureAwait(false));
        if (pending.Count == 0)
        {
            var differing = await _database
                .ReadAsync<List<string>>(
                    async session =>
                        [
                            .. await session
                                .QueryAsync(
                                    DifferencesSql,
                                    reader => reader.Text("agent_id"),
                                    cancellationToken,
                                    ("@excellent", RewardBands.Excellent),
                                    ("@good", RewardBands.Good)
                                )
                                .ConfigureAwait(false),
                            .. await session
                                .QueryAsync(ReleaseDifferencesSql, reader => reader.Text("agent_id"), cancellationToken)
                                .ConfigureAwait(false),
                            .. await session
                                .QueryAsync(s_latencyDifferencesSql, reader => reader.Text("agent_id"), cancellationToken)
                                .ConfigureAwait(false),
                        ],
                    cancellationToken
                )
                .ConfigureAwait(false);
            results.Add(
                new(
                    "totals",
                    differing.Count == 0,
                    differing.Count == 0
                        ? "equal to a count over all rows"
                        : string.Create(
                            CultureInfo.InvariantCulture,
                            $"{differing.Count} differ from the rows, first of agent '{differing[0]}'; run 'lightning db migrate "
                                + $"--rebuild-totals'"
                        )
                )
            );
        }

        return results;
    }

    /// <summary>
    /// Counts all rows anew and puts the totals in place of what was there. Others write meanwhile, and are counted once.
    /// </summary>
    public Task RebuildTotalsAsync(CancellationToken cancellationToken) =>
        _database.WriteAsync(
            async session =>
            {
                foreach (var table in s_totals)
                {
                    // Who has written rows and not yet its totals waits here, and adds to what is counted without them; all others have
                    // ended. In the order in which a write comes to the tables.
                    await _database.LockTableAsync(session, table, cancellationToken).ConfigureAwait(false);
                }

                foreach (var table in s_totals)
                {
                    await session.ExecuteAsync($"DELETE FROM {table}", cancellationToken).ConfigureAwait(false);
                    await session.ExecuteAsync(Migration.CountTotalsSql(table), cancellationToken).ConfigureAwait(false);
                }

                return 0;
            },
            cancellationToken
        );
}
