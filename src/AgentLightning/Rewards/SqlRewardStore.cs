using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Rewards;

internal sealed class SqlRewardStore(SqlDatabase database) : IRewardStore
{
    private const string InsertSql =
        """
        INSERT INTO rewards (id, episode_id, agent_id, source, evaluator, value, raw_value, scale, correction, rubric, comments, is_current, created_at)
        VALUES (@id, @episode, @agent, @source, @evaluator, @value, @raw, @scale, @correction, @rubric, @comments, 1, @at)
        """;

    public Task<int> AddAsync(IReadOnlyList<Reward> rewards, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                // Of two rewards at the same moment one supersedes the other, and of two with one id one is known.
                await database.SerialiseAsync(session, rewards.SelectMany(reward => new[] { $"reward {reward.Id}", $"rewards of {reward.EpisodeId}" }), cancellationToken).ConfigureAwait(false);
                var totals = new DailyTotals();
                var added = 0;
                foreach (var reward in rewards)
                {
                    added += await AddAsync(session, totals, reward, cancellationToken).ConfigureAwait(false) ? 1 : 0;
                }

                await totals.WriteAsync(database, session, cancellationToken).ConfigureAwait(false);
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

    public async Task<RewardSummary> SummariseAsync(string? agentId, CancellationToken cancellationToken)
    {
        var where = new SqlConditions().Add("agent_id = @agent", "@agent", agentId);
        var sums = await database.ReadAsync(
            session => session.SingleAsync(
                $"""
                SELECT CAST(COALESCE(SUM(rewards), 0) AS BIGINT) AS n, CAST(COALESCE(SUM(reward_sum), 0) AS BIGINT) AS total,
                       CAST(COALESCE(SUM(reward_squares), 0) AS BIGINT) AS squares
                FROM daily_totals {where}
                """,
                reader => new Sums(reader.Integer("n"), reader.Integer("total") / 1e9, reader.Integer("squares") / 1e9), cancellationToken, where.Parameters),
            cancellationToken).ConfigureAwait(false);
        var (n, total, squares) = sums!;
        return new RewardSummary(n, n == 0 ? 0 : total / n, n < 2 ? 0 : Math.Max(0, (squares - (total * total / n)) / (n - 1)));
    }

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

    /// <remarks>Where others write at the same time, the episode is kept from being deleted until the end of the transaction.</remarks>
    private async Task<bool> AddAsync(SqlSession session, DailyTotals totals, Reward reward, CancellationToken cancellationToken)
    {
        Reward.CheckValue(reward.Value);
        var (source, evaluator) = (EnumText.Of(reward.Source), reward.Evaluator);
        var seen = await session.SingleAsync(
            $"""
            SELECT e.created_at, e.model, e.intent, e.persona, (SELECT known.id FROM rewards known WHERE known.id = @id) AS known, old.value, old.agent_id AS old_agent
            FROM episodes e LEFT JOIN rewards old ON old.episode_id = e.id AND old.source = @source AND old.evaluator = @evaluator AND old.is_current = 1
            WHERE e.id = @episode{(database.ManyWriters ? " FOR KEY SHARE OF e" : "")}
            """,
            Seen.Read, cancellationToken, ("@id", reward.Id), ("@source", source), ("@evaluator", evaluator), ("@episode", reward.EpisodeId)).ConfigureAwait(false);
        if (seen is null && await session.CountAsync("SELECT COUNT(*) FROM rewards WHERE id = @id", cancellationToken, ("@id", reward.Id)).ConfigureAwait(false) == 0)
        {
            throw LightningException.NotFound($"Episode {reward.EpisodeId} not found. A reward needs the id of a stored episode.");
        }

        if (seen is null or { IsKnown: true })
        {
            return false;
        }

        if (seen.OldValue is { } old)
        {
            await session.ExecuteAsync(
                "UPDATE rewards SET is_current = 0 WHERE episode_id = @episode AND source = @source AND evaluator = @evaluator AND is_current = 1",
                cancellationToken, ("@episode", reward.EpisodeId), ("@source", source), ("@evaluator", evaluator)).ConfigureAwait(false);
            totals.Add(seen.KeyFor(seen.OldAgentId!), -TotalDelta.OfReward(old));
        }

        await session.ExecuteAsync(
            InsertSql, cancellationToken,
            ("@id", reward.Id), ("@episode", reward.EpisodeId), ("@agent", reward.AgentId), ("@source", source), ("@evaluator", evaluator),
            ("@value", reward.Value), ("@raw", reward.RawValue), ("@scale", reward.Scale), ("@correction", reward.Correction), ("@rubric", reward.Rubric),
            ("@comments", reward.Comments), ("@at", reward.CreatedAt.ToColumn())).ConfigureAwait(false);
        totals.Add(seen.KeyFor(reward.AgentId), TotalDelta.OfReward(reward.Value));
        return true;
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

    private sealed record Sums(long Count, double Total, double Squares);

    /// <summary>What the store knows of the episode and of the reward that a new one would supersede.</summary>
    private sealed record Seen(long EpisodeAt, string? Model, string? Intent, string? Persona, bool IsKnown, double? OldValue, string? OldAgentId)
    {
        public static Seen Read(DbDataReader reader) => new(
            reader.Integer("created_at"), reader.TextOrNull("model"), reader.TextOrNull("intent"), reader.TextOrNull("persona"), reader.TextOrNull("known") is not null,
            reader.NumberOrNull("value"), reader.TextOrNull("old_agent"));

        public TotalKey KeyFor(string agentId) => TotalKey.Of(agentId, EpisodeAt, Model, Intent, Persona);
    }
}
