using System.Data.Common;
using AgentLightning.Rewards;
using AgentLightning.Storage;

namespace AgentLightning.Deployments;

internal sealed class SqlReleaseFigures(SqlDatabase database) : IReleaseFigures
{
    private const double Units = 1e9;
    private static readonly string[] s_counted =
    [
        "episodes",
        "failed",
        "latency",
        "prompt_tokens",
        "completion_tokens",
        "token_squares",
        "rewards",
        "reward_sum",
        "reward_squares",
    ];

    // Sums of BIGINT are NUMERIC in PostgreSQL.
    private static readonly string s_sums = string.Join(", ", s_counted.Select(name => $"CAST(SUM({name}) AS BIGINT) AS {name}"));

    public async Task<IReadOnlyList<ReleaseFigures>> ReadAsync(
        string agentId,
        IReadOnlyList<string> deploymentIds,
        CancellationToken cancellationToken
    )
    {
        var where = new SqlConditions().Add("agent_id = @agent", "@agent", agentId).AddAny("deployment_id", "@id", deploymentIds);
        var found = await database
            .LookAsync(
                session =>
                    session.QueryAsync(
                        $"SELECT deployment_id, {s_sums} FROM release_totals {where} GROUP BY deployment_id",
                        Read,
                        cancellationToken,
                        where.Parameters
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        var byId = found.ToDictionary(figures => figures.DeploymentId, StringComparer.Ordinal);
        return
        [
            .. deploymentIds.Select(id => byId.GetValueOrDefault(id) ?? new ReleaseFigures(id, 0, 0, 0, 0, 0, new RewardSummary(0, 0, 0))),
        ];
    }

    public async Task<IReadOnlyList<LatencyCounts>> ReadLatenciesAsync(
        string agentId,
        IReadOnlyList<string> deploymentIds,
        CancellationToken cancellationToken
    )
    {
        var where = new SqlConditions().Add("agent_id = @agent", "@agent", agentId).AddAny("deployment_id", "@id", deploymentIds);
        var found = await database
            .LookAsync(
                session =>
                    session.QueryAsync(
                        "SELECT deployment_id, bucket, CAST(SUM(episodes) AS BIGINT) AS episodes FROM release_latencies "
                            + $"{where} GROUP BY deployment_id, bucket",
                        reader =>
                            (Id: reader.Text("deployment_id"), Bucket: (int)reader.Integer("bucket"), Episodes: reader.Integer("episodes")),
                        cancellationToken,
                        where.Parameters
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return
        [
            .. deploymentIds.Select(id =>
            {
                var counts = new long[LatencyBuckets.Count];
                foreach (var row in found.Where(row => row.Id == id))
                {
                    counts[row.Bucket] = row.Episodes;
                }

                return new LatencyCounts(counts);
            }),
        ];
    }

    private static ReleaseFigures Read(DbDataReader reader)
    {
        var (episodes, rewards) = (reader.Integer("episodes"), reader.Integer("rewards"));
        var sum = reader.Integer("reward_sum") / Units;
        var mean = rewards == 0 ? 0 : sum / rewards;
        var variance = rewards < 2 ? 0 : Math.Max(0, ((reader.Integer("reward_squares") / Units) - (sum * mean)) / (rewards - 1));
        var (prompt, completion) = (reader.Integer("prompt_tokens"), reader.Integer("completion_tokens"));
        var tokens = episodes == 0 ? 0 : (double)(prompt + completion) / episodes;
        var spread = episodes < 2 ? 0 : Math.Max(0, (reader.Integer("token_squares") - ((prompt + completion) * tokens)) / (episodes - 1));
        return new ReleaseFigures(
            reader.Text("deployment_id"),
            episodes,
            reader.Integer("failed"),
            episodes == 0 ? 0 : reader.Integer("latency") / 1_000.0 / episodes,
            prompt,
            completion,
            new RewardSummary(rewards, mean, variance),
            spread
        );
    }
}
