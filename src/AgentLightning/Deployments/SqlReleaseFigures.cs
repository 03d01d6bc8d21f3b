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

    private static ReleaseFigures Read(DbDataReader reader)
    {
        var (episodes, rewards) = (reader.Integer("episodes"), reader.Integer("rewards"));
        var sum = reader.Integer("reward_sum") / Units;
        var mean = rewards == 0 ? 0 : sum / rewards;
        var variance = rewards < 2 ? 0 : Math.Max(0, ((reader.Integer("reward_squares") / Units) - (sum * mean)) / (rewards - 1));
        return new ReleaseFigures(
            reader.Text("deployment_id"),
            episodes,
            reader.Integer("failed"),
            episodes == 0 ? 0 : reader.Integer("latency") / 1_000.0 / episodes,
            reader.Integer("prompt_tokens"),
            reader.Integer("completion_tokens"),
            new RewardSummary(rewards, mean, variance)
        );
    }
}
