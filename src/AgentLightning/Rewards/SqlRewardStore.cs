using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Storage;

namespace AgentLightning.Rewards;

internal sealed class SqlRewardStore(SqlDatabase database) : IRewardStore
{
    private const int Together = 500;

    public Task<IReadOnlyList<bool>> AddEachAsync(IReadOnlyList<Reward> rewards, CancellationToken cancellationToken) =>
        database.WriteAsync(session => new RewardBatch(database, session, rewards).AddAsync(cancellationToken), cancellationToken);

    public Task<Reward?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync("SELECT * FROM rewards WHERE id = @id", Read, cancellationToken, ("@id", id)),
            cancellationToken
        );

    public async Task<IReadOnlyList<Reward>> FindEachAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        var found = new List<Reward>();
        foreach (var chunk in ids.Distinct().Chunk(Together))
        {
            var where = new SqlConditions().AddAny("id", "@id", chunk);
            found.AddRange(
                await database
                    .LookAsync(
                        session => session.QueryAsync($"SELECT * FROM rewards {where}", Read, cancellationToken, where.Parameters),
                        cancellationToken
                    )
                    .ConfigureAwait(false)
            );
        }

        return found;
    }

    public Task<IReadOnlyList<Reward>> HistoryAsync(string episodeId, CancellationToken cancellationToken) =>
        database.LookAsync<IReadOnlyList<Reward>>(
            async session =>
                await session
                    .QueryAsync(
                        "SELECT * FROM rewards WHERE episode_id = @episode ORDER BY created_at DESC, is_current DESC, id DESC",
                        Read,
                        cancellationToken,
                        ("@episode", episodeId)
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );

    public Task<IReadOnlyList<Reward>> ListAsync(RewardQuery query, CancellationToken cancellationToken)
    {
        Page.CheckLimit(query.Limit);
        return database.ReadAsync<IReadOnlyList<Reward>>(
            async session =>
            {
                var where = new SqlConditions()
                    .Add("agent_id = @agent", "@agent", query.AgentId)
                    .AddAny("agent_id", "@of", query.Agents)
                    .Add("episode_id = @episode", "@episode", query.EpisodeId)
                    .Add("source = @source", "@source", query.Source is { } source ? EnumText.Of(source) : null);
                if (query.Before is not null)
                {
                    var cursor = PageCursor.TryParse(query.Before)
                        ?? await CursorAsync(session, query, cancellationToken).ConfigureAwait(false);
                    where.Add("(created_at, id) < (@at, @id)", "@at", cursor.At).With("@id", cursor.Id);
                }

                where.With("@limit", query.Limit);
                return await session
                    .QueryAsync(
                        $"SELECT * FROM rewards {where} ORDER BY created_at DESC, id DESC LIMIT @limit",
                        Read,
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    public Task<RewardRange?> FindRangeAsync(string? agentId, CancellationToken cancellationToken)
    {
        // Each end of each agent by itself: an index has them.
        const string Agents = "FROM (SELECT DISTINCT agent_id FROM daily_totals) AS agents";
        const string Current = "FROM rewards WHERE is_current = 1 AND agent_id =";
        var ends = agentId is null
            ? $"SELECT MIN((SELECT MIN(value) {Current} agents.agent_id)) AS least, MAX((SELECT MAX(value) {Current} agents.agent_id)) AS "
                + $"greatest {Agents}"
            : $"SELECT (SELECT MIN(value) {Current} @agent) AS least, (SELECT MAX(value) {Current} @agent) AS greatest";
        return database.ReadAsync(
            async session =>
            {
                var range = await session
                    .QueryAsync(
                        ends,
                        reader => (Min: reader.NumberOrNull("least"), Max: reader.NumberOrNull("greatest")),
                        cancellationToken,
                        ("@agent", agentId)
                    )
                    .ConfigureAwait(false);
                return range[0] is ({ } min, { } max) ? new RewardRange(min, max) : null;
            },
            cancellationToken
        );
    }

    public async Task<RewardSummary> SummariseAsync(string? agentId, CancellationToken cancellationToken)
    {
        var where = new SqlConditions().Add("agent_id = @agent", "@agent", agentId);
        var sums = await database
            .LookAsync(
                session =>
                    session.SingleAsync(
                        $"""
                        SELECT CAST(COALESCE(SUM(rewards), 0) AS BIGINT) AS n, CAST(COALESCE(SUM(reward_sum), 0) AS BIGINT) AS total,
                               CAST(COALESCE(SUM(reward_squares), 0) AS BIGINT) AS squares
                        FROM daily_totals {where}
                        """,
                        reader => new Sums(reader.Integer("n"), reader.Integer("total") / 1e9, reader.Integer("squares") / 1e9),
                        cancellationToken,
                        where.Parameters
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        var (n, total, squares) = sums!;
        return new RewardSummary(n, n == 0 ? 0 : total / n, n < 2 ? 0 : Math.Max(0, (squares - (total * total / n)) / (n - 1)));
    }

    public Task<RewardSummary> SummariseDeploymentAsync(string deploymentId, int window, CancellationToken cancellationToken) =>
        SummariseAsync(
            """
            SELECT value FROM rewards WHERE deployment_id = @deployment AND is_current = 1 ORDER BY created_at DESC, id DESC LIMIT @window
            """,
            cancellationToken,
            ("@deployment", deploymentId),
            ("@window", window)
        );

    private async Task<RewardSummary> SummariseAsync(
        string values,
        CancellationToken cancellationToken,
        params (string, SqlValue)[] parameters
    )
    {
        var summary = await database
            .LookAsync(
                session =>
                    session.SingleAsync(
                        $"""
                        SELECT COUNT(*) AS n, COALESCE(AVG(value), 0.0) AS mean,
                               CASE WHEN COUNT(*) < 2 THEN 0.0
                                    ELSE (SUM(value * value) - SUM(value) * SUM(value) / COUNT(*)) / (COUNT(*) - 1) END AS variance
                        FROM ({values}) AS chosen
                        """,
                        reader => new RewardSummary(reader.Integer("n"), reader.Number("mean"), Math.Max(0, reader.Number("variance"))),
                        cancellationToken,
                        parameters
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return summary!;
    }

    private static async Task<PageCursor> CursorAsync(SqlSession session, RewardQuery query, CancellationToken cancellationToken)
    {
        var known = new SqlConditions()
            .AddAny("id", "@id", EpisodeIds.Places(query.Before!, query.Agents))
            .AddAny("agent_id", "@of", query.Agents);
        var found = await session
            .QueryAsync(
                $"SELECT created_at, id FROM rewards {known} ORDER BY id LIMIT 1",
                reader => new PageCursor(reader.Integer("created_at"), reader.Text("id")),
                cancellationToken,
                known.Parameters
            )
            .ConfigureAwait(false);
        return found.Count > 0 ? found[0] : throw LightningException.NotFound($"Reward {query.Before}, named by 'before', not found.");
    }

    private static Reward Read(DbDataReader reader) =>
        new()
        {
            Id = reader.Text("id"),
            EpisodeId = reader.Text("episode_id"),
            AgentId = reader.Text("agent_id"),
            Source = EnumText.Parse<RewardSource>(reader.Text("source"), "source"),
            Evaluator = reader.Text("evaluator"),
            Value = reader.Number("value"),
            RawValue = reader.NumberOrNull("raw_value"),
            Scale = reader.TextOrNull("scale"),
            Correction = reader.TextOrNull("correction"),
            Rubric = reader.TextOrNull("rubric"),
            Comments = reader.TextOrNull("comments"),
            IsCurrent = reader.Flag("is_current"),
            CreatedAt = reader.Time("created_at"),
        };

    private sealed record Sums(long Count, double Total, double Squares);
}
