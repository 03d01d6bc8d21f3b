using System.Data.Common;
using AgentLightning.Storage;

namespace AgentLightning.Monitoring;

internal sealed class SqlRewardTotals(SqlDatabase database) : IRewardTotals
{
    private const double Units = 1e9;
    private const long MicrosecondsOfDay = 86_400_000_000;

    private static readonly (TotalsBy By, string Column)[] s_columns =
    [
        (TotalsBy.Day, "day"),
        (TotalsBy.Model, "model"),
        (TotalsBy.Intent, "intent"),
        (TotalsBy.Persona, "persona"),
    ];

    private static readonly string[] s_counted = ["episodes", "failed", "rewards", "reward_sum", "reward_squares", "excellent", "good"];

    private static readonly int s_firstDay = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    public Task<IReadOnlyList<string>> AgentsAsync(CancellationToken cancellationToken) =>
        database.LookAsync<IReadOnlyList<string>>(
            async session =>
                await session
                    .QueryAsync(
                        "SELECT DISTINCT agent_id FROM daily_totals ORDER BY agent_id",
                        reader => reader.Text("agent_id"),
                        cancellationToken
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );

    public Task<IReadOnlyList<TotalsGroup>> SumAsync(
        string? agentId,
        MonitoringPeriod period,
        TotalsBy by,
        CancellationToken cancellationToken
    )
    {
        string[] columns = [.. s_columns.Where(column => by.HasFlag(column.By)).Select(column => column.Column)];
        var where = Of(agentId, period);
        // Sums of BIGINT are NUMERIC in PostgreSQL. Without a group there is one row, whether anything was counted or not.
        var sums = string.Join(", ", s_counted.Select(name => $"CAST(COALESCE(SUM({name}), 0) AS BIGINT) AS {name}"));
        var (chosen, group) =
            columns.Length == 0
                ? ("", "")
                : ($"{string.Join(", ", columns)}, ", $"GROUP BY {string.Join(", ", columns)} ORDER BY {string.Join(", ", columns)}");
        return database.ReadAsync<IReadOnlyList<TotalsGroup>>(
            async session =>
            {
                var groups = await session
                    .QueryAsync(
                        $"SELECT {chosen}{sums} FROM daily_totals {where} {group}",
                        reader => Read(reader, by),
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false);
                // A row of zeros is what deleted episodes leave.
                return groups.FindAll(row => row.Totals != RewardTotals.Empty);
            },
            cancellationToken
        );
    }

    public Task<IReadOnlyList<string>> FindWorstAsync(
        string? agentId,
        MonitoringPeriod period,
        TotalsGroup group,
        int count,
        CancellationToken cancellationToken
    )
    {
        var days = Of(agentId, period)
            .Add("model = @model", "@model", group.Model)
            .Add("intent = @intent", "@intent", group.Intent)
            .Add("persona = @persona", "@persona", group.Persona);
        return database.ReadAsync<IReadOnlyList<string>>(
            async session =>
            {
                var worst = await session
                    .QueryAsync(
                        $"SELECT day FROM daily_totals {days} GROUP BY day HAVING SUM(rewards) > 0 ORDER BY SUM(reward_sum) * 1.0 / "
                            + $"SUM(rewards), day DESC LIMIT 1",
                        reader => reader.Integer("day"),
                        cancellationToken,
                        days.Parameters
                    )
                    .ConfigureAwait(false);
                if (worst.Count == 0)
                {
                    return [];
                }

                // One day of episodes and no more: the time that it takes does not grow with the store.
                var where = new SqlConditions()
                    .Add("e.agent_id = @agent", "@agent", agentId)
                    .Add("e.created_at >= @start", "@start", worst[0] * MicrosecondsOfDay)
                    .Add("e.created_at < @end", "@end", (worst[0] + 1) * MicrosecondsOfDay)
                    .Add("COALESCE(e.model, '') = @model", "@model", group.Model)
                    .Add("COALESCE(e.intent, '') = @intent", "@intent", group.Intent)
                    .Add("COALESCE(e.persona, '') = @persona", "@persona", group.Persona)
                    .With("@count", count);
                return await session
                    .QueryAsync(
                        $"SELECT e.id FROM episodes e JOIN rewards r ON r.episode_id = e.id AND r.is_current = 1 {where} GROUP BY e.id "
                            + $"ORDER BY MIN(r.value), e.id LIMIT @count",
                        reader => reader.Text("id"),
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    private static SqlConditions Of(string? agentId, MonitoringPeriod period) =>
        new SqlConditions()
            .Add("agent_id = @agent", "@agent", agentId)
            .Add("day >= @first", "@first", period.Start.DayNumber - s_firstDay)
            .Add("day <= @last", "@last", period.End.DayNumber - s_firstDay);

    private static TotalsGroup Read(DbDataReader reader, TotalsBy by) =>
        new(
            by.HasFlag(TotalsBy.Day) ? DateOnly.FromDayNumber(s_firstDay + (int)reader.Integer("day")) : null,
            by.HasFlag(TotalsBy.Model) ? reader.Text("model") : null,
            by.HasFlag(TotalsBy.Intent) ? reader.Text("intent") : null,
            by.HasFlag(TotalsBy.Persona) ? reader.Text("persona") : null,
            new RewardTotals(
                reader.Integer("episodes"),
                reader.Integer("failed"),
                reader.Integer("rewards"),
                reader.Integer("reward_sum") / Units,
                reader.Integer("reward_squares") / Units,
                reader.Integer("excellent"),
                reader.Integer("good")
            )
        );
}
