using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Rewards;

internal sealed class SqlRewardStore(SqlDatabase database) : IRewardStore
{
    private const string InsertSql =
        """
        INSERT INTO rewards (id, episode_id, agent_id, source, evaluator, value, raw_value, scale, correction, rubric, comments, is_current, created_at)
        VALUES (@id, @episode, @agent, @source, @evaluator, @value, @raw, @scale, @correction, @rubric, @comments, @current, @at)
        """;

    /// <summary>The sources that judge, as SQL has them in a list.</summary>
    private static readonly string s_judgements = string.Join(", ", Enum.GetValues<RewardSource>().Where(source => source.IsJudgement()).Select(source => $"'{EnumText.Of(source)}'"));

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
                    var known = new SqlConditions().Add("id = @id", "@id", query.Before).AddAny("agent_id", "@of", query.Agents);
                    var cursor = await session.SingleAsync($"SELECT * FROM rewards {known}", Read, cancellationToken, known.Parameters).ConfigureAwait(false)
                        ?? throw LightningException.NotFound($"Reward {query.Before}, named by 'before', not found.");
                    where.Add("(created_at, id) < (@at, @id)", "@at", cursor.CreatedAt.ToColumn()).With("@id", cursor.Id);
                }

                where.With("@limit", query.Limit);
                return await session.QueryAsync($"SELECT * FROM rewards {where} ORDER BY created_at DESC, id DESC LIMIT @limit", Read, cancellationToken, where.Parameters).ConfigureAwait(false);
            },
            cancellationToken);
    }

    public Task<RewardRange?> FindRangeAsync(string? agentId, CancellationToken cancellationToken)
    {
        // Each end of each agent by itself: an index has them.
        const string Agents = "FROM (SELECT DISTINCT agent_id FROM daily_totals) AS agents";
        const string Current = "FROM rewards WHERE is_current = 1 AND agent_id =";
        var ends = agentId is null
            ? $"SELECT MIN((SELECT MIN(value) {Current} agents.agent_id)) AS least, MAX((SELECT MAX(value) {Current} agents.agent_id)) AS greatest {Agents}"
            : $"SELECT (SELECT MIN(value) {Current} @agent) AS least, (SELECT MAX(value) {Current} @agent) AS greatest";
        return database.ReadAsync(
            async session =>
            {
                var range = await session.QueryAsync(
                    ends, reader => (Min: reader.NumberOrNull("least"), Max: reader.NumberOrNull("greatest")), cancellationToken, ("@agent", agentId)).ConfigureAwait(false);
                return range[0] is ({ } min, { } max) ? new RewardRange(min, max) : null;
            },
            cancellationToken);
    }

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
        var isImplicit = reward.Source == RewardSource.ImplicitSignals;
        var alsoSuperseded = reward.Source.IsJudgement() ? EnumText.Of(RewardSource.ImplicitSignals) : null;
        var seen = await session.QueryAsync(
            $"""
            SELECT e.created_at, e.model, e.intent, e.persona, (SELECT known.id FROM rewards known WHERE known.id = @id) AS known, old.value, old.agent_id AS old_agent,
                   {(isImplicit ? $"(SELECT COUNT(*) FROM rewards judged WHERE judged.episode_id = e.id AND judged.is_current = 1 AND judged.source IN ({s_judgements}))" : "0")} AS judgements
            FROM episodes e LEFT JOIN rewards old ON old.episode_id = e.id AND old.is_current = 1
                AND ((old.source = @source AND old.evaluator = @evaluator) OR old.source = @also)
            WHERE e.id = @episode{(database.ManyWriters ? " FOR KEY SHARE OF e" : "")}
            """,
            Seen.Read, cancellationToken, ("@id", reward.Id), ("@source", source), ("@evaluator", evaluator), ("@episode", reward.EpisodeId), ("@also", alsoSuperseded)).ConfigureAwait(false);
        if (seen.Count == 0 && await session.CountAsync("SELECT COUNT(*) FROM rewards WHERE id = @id", cancellationToken, ("@id", reward.Id)).ConfigureAwait(false) == 0)
        {
            throw LightningException.NotFound($"Episode {reward.EpisodeId} not found. A reward needs the id of a stored episode.");
        }

        if (seen.Count == 0 || seen[0].IsKnown)
        {
            return false;
        }

        if (seen[0].OldValue is not null)
        {
            await session.ExecuteAsync(
                "UPDATE rewards SET is_current = 0 WHERE episode_id = @episode AND is_current = 1 AND ((source = @source AND evaluator = @evaluator) OR source = @also)",
                cancellationToken, ("@episode", reward.EpisodeId), ("@source", source), ("@evaluator", evaluator), ("@also", alsoSuperseded)).ConfigureAwait(false);
            foreach (var old in seen)
            {
                totals.Add(old.KeyFor(old.OldAgentId!), -TotalDelta.OfReward(old.OldValue!.Value));
            }
        }

        var isCurrent = seen[0].Judgements == 0;
        await session.ExecuteAsync(
            InsertSql, cancellationToken,
            ("@id", reward.Id), ("@episode", reward.EpisodeId), ("@agent", reward.AgentId), ("@source", source), ("@evaluator", evaluator),
            ("@value", reward.Value), ("@raw", reward.RawValue), ("@scale", reward.Scale), ("@correction", reward.Correction), ("@rubric", reward.Rubric),
            ("@comments", reward.Comments), ("@current", isCurrent.ToColumn()), ("@at", reward.CreatedAt.ToColumn())).ConfigureAwait(false);
        if (isCurrent)
        {
            totals.Add(seen[0].KeyFor(reward.AgentId), TotalDelta.OfReward(reward.Value));
        }

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

    /// <summary>What the store knows of the episode and of a reward that a new one would supersede.</summary>
    /// <param name="Judgements">Current rewards beside which an implicit one does not count; 0 for a new one that is not implicit.</param>
    private sealed record Seen(long EpisodeAt, string? Model, string? Intent, string? Persona, bool IsKnown, double? OldValue, string? OldAgentId, long Judgements)
    {
        public static Seen Read(DbDataReader reader) => new(
            reader.Integer("created_at"), reader.TextOrNull("model"), reader.TextOrNull("intent"), reader.TextOrNull("persona"), reader.TextOrNull("known") is not null,
            reader.NumberOrNull("value"), reader.TextOrNull("old_agent"), reader.Integer("judgements"));

        public TotalKey KeyFor(string agentId) => TotalKey.Of(agentId, EpisodeAt, Model, Intent, Persona);
    }
}
