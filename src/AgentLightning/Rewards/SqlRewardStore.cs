using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Rewards;

internal sealed class SqlRewardStore(SqlDatabase database) : IRewardStore
{
    public Task<int> AddAsync(IReadOnlyList<Reward> rewards, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                // Of two rewards at the same moment one supersedes the other, and of two with one id one is known.
                await database.SerialiseAsync(session, rewards.SelectMany(reward => new[] { $"reward {reward.Id}", $"rewards of {reward.EpisodeId}" }), cancellationToken).ConfigureAwait(false);
                var added = 0;
                foreach (var reward in rewards)
                {
                    added += await AddAsync(session, reward, cancellationToken).ConfigureAwait(false) ? 1 : 0;
                }

                return added;
            },
            cancellationToken);

    public Task<Reward?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.SingleAsync("SELECT * FROM rewards WHERE id = @id", Read, cancellationToken, ("@id", id)), cancellationToken);

    public Task<IReadOnlyList<Reward>> HistoryAsync(string episodeId, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<Reward>>(
            async session => await session.QueryAsync(
                "SELECT * FROM rewards WHERE episode_id = @episode ORDER BY created_at DESC, is_current DESC, id DESC", Read, cancellationToken, ("@episode", episodeId)).ConfigureAwait(false),
            cancellationToken);

    public Task<IReadOnlyList<Reward>> ListAsync(RewardQuery query, CancellationToken cancellationToken)
    {
        Page.CheckLimit(query.Limit);
        return database.ReadAsync<IReadOnlyList<Reward>>(
            async session =>
            {
                var after = query.Before is null ? null : await session.SingleAsync("SELECT * FROM rewards WHERE id = @id", Read, cancellationToken, ("@id", query.Before)).ConfigureAwait(false)
                    ?? throw LightningException.NotFound($"Reward {query.Before}, named by 'before', not found.");
                // Only the conditions that are asked for: an index is found for each of the sentences that come out.
                string[] conditions =
                [
                    "1 = 1",
                    .. query.AgentId is null ? [] : new[] { "agent_id = @agent" },
                    .. query.EpisodeId is null ? [] : new[] { "episode_id = @episode" },
                    .. query.Source is null ? [] : new[] { "source = @source" },
                    .. after is null ? [] : new[] { "(created_at, id) < (@at, @id)" },
                ];
                return await session.QueryAsync(
                    $"SELECT * FROM rewards WHERE {string.Join(" AND ", conditions)} ORDER BY created_at DESC, id DESC LIMIT @limit", Read, cancellationToken,
                    ("@agent", query.AgentId), ("@episode", query.EpisodeId), ("@source", query.Source is { } source ? EnumText.Of(source) : null),
                    ("@at", after?.CreatedAt.ToColumn()), ("@id", query.Before), ("@limit", query.Limit)).ConfigureAwait(false);
            },
            cancellationToken);
    }

    public Task<RewardRange?> FindRangeAsync(string? agentId, CancellationToken cancellationToken)
    {
        // Two sentences with one agent each: an index has the ends.
        var from = $"FROM rewards WHERE is_current = 1{(agentId is null ? "" : " AND agent_id = @agent")}";
        return database.ReadAsync(
            async session =>
            {
                var ends = await session.QueryAsync(
                    $"SELECT (SELECT MIN(value) {from}) AS least, (SELECT MAX(value) {from}) AS greatest",
                    reader => (Min: reader.NumberOrNull("least"), Max: reader.NumberOrNull("greatest")), cancellationToken, ("@agent", agentId)).ConfigureAwait(false);
                return ends[0] is ({ } min, { } max) ? new RewardRange(min, max) : null;
            },
            cancellationToken);
    }

    public Task<RewardSummary> SummariseAsync(string? agentId, CancellationToken cancellationToken) =>
        SummariseAsync("SELECT value FROM rewards WHERE is_current = 1 AND (@agent IS NULL OR agent_id = @agent)", cancellationToken, ("@agent", agentId));

    public Task<RewardSummary> SummariseDeploymentAsync(string deploymentId, int window, CancellationToken cancellationToken) =>
        SummariseAsync(
            """
            SELECT r.value FROM episodes e JOIN rewards r ON r.episode_id = e.id
            WHERE e.deployment_id = @deployment AND r.is_current = 1 ORDER BY r.created_at DESC, r.id DESC LIMIT @window
            """,
            cancellationToken, ("@deployment", deploymentId), ("@window", window));

    private async Task<RewardSummary> SummariseAsync(string values, CancellationToken cancellationToken, params (string, SqlValue)[] parameters)
    {
        var summary = await database.ReadAsync(
            session => session.SingleAsync(
                $"""
                SELECT COUNT(*) AS n, COALESCE(AVG(value), 0.0) AS mean,
                       CASE WHEN COUNT(*) < 2 THEN 0.0 ELSE (SUM(value * value) - SUM(value) * SUM(value) / COUNT(*)) / (COUNT(*) - 1) END AS variance
                FROM ({values}) AS chosen
                """,
                reader => new RewardSummary(reader.Integer("n"), reader.Number("mean"), Math.Max(0, reader.Number("variance"))),
                cancellationToken, parameters),
            cancellationToken).ConfigureAwait(false);
        return summary!;
    }

    private async Task<bool> AddAsync(SqlSession session, Reward reward, CancellationToken cancellationToken)
    {
        Reward.CheckValue(reward.Value);
        var known = await session.SingleAsync("SELECT id FROM rewards WHERE id = @id", reader => reader.Text("id"), cancellationToken, ("@id", reward.Id)).ConfigureAwait(false);
        if (known is not null)
        {
            return false;
        }

        await session.ExecuteAsync(
            "UPDATE rewards SET is_current = 0 WHERE episode_id = @episode AND is_current = 1 AND ((source = @source AND evaluator = @evaluator) OR source = @implicit)",
            cancellationToken, ("@episode", reward.EpisodeId), ("@source", EnumText.Of(reward.Source)), ("@evaluator", reward.Evaluator),
            ("@implicit", reward.Source.IsJudgement() ? EnumText.Of(RewardSource.ImplicitSignals) : null)).ConfigureAwait(false);
        var isCurrent = reward.Source != RewardSource.ImplicitSignals || !await IsJudgedAsync(session, reward.EpisodeId, cancellationToken).ConfigureAwait(false);
        try
        {
            await session.ExecuteAsync(
                """
                INSERT INTO rewards (id, episode_id, agent_id, source, evaluator, value, raw_value, scale, correction, rubric, comments, is_current, created_at)
                VALUES (@id, @episode, @agent, @source, @evaluator, @value, @raw, @scale, @correction, @rubric, @comments, @current, @at)
                """,
                cancellationToken,
                ("@id", reward.Id), ("@episode", reward.EpisodeId), ("@agent", reward.AgentId), ("@source", EnumText.Of(reward.Source)), ("@evaluator", reward.Evaluator),
                ("@value", reward.Value), ("@raw", reward.RawValue), ("@scale", reward.Scale), ("@correction", reward.Correction), ("@rubric", reward.Rubric),
                ("@comments", reward.Comments), ("@current", isCurrent.ToColumn()), ("@at", reward.CreatedAt.ToColumn())).ConfigureAwait(false);
        }
        catch (DbException e) when (database.IsConstraintViolation(e))
        {
            throw new LightningException(ErrorKind.NotFound, $"Episode {reward.EpisodeId} not found. A reward needs the id of a stored episode.", e);
        }

        return true;
    }

    private static async Task<bool> IsJudgedAsync(SqlSession session, string episodeId, CancellationToken cancellationToken)
    {
        var sources = await session.QueryAsync(
            "SELECT DISTINCT source FROM rewards WHERE episode_id = @episode AND is_current = 1", reader => EnumText.Parse<RewardSource>(reader.Text("source"), "source"), cancellationToken,
            ("@episode", episodeId)).ConfigureAwait(false);
        return sources.Exists(source => source.IsJudgement());
    }

    private static Reward Read(DbDataReader reader) => new()
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
}
