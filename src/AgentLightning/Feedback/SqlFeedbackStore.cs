using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Storage;

namespace AgentLightning.Feedback;

internal sealed class SqlFeedbackStore(SqlDatabase database) : IFeedbackStore
{
    private const long MicrosecondsOfDay = 86_400_000_000;

    public Task<bool> AddAsync(MessageFeedback feedback, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                // Of two by one person at the same moment one supersedes the other, and of two with one id one is known.
                await database
                    .SerialiseAsync(session, [$"feedback {feedback.Id}", $"feedback on {feedback.EpisodeId}"], cancellationToken)
                    .ConfigureAwait(false);
                return await AddAsync(session, feedback, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken
        );

    public Task<MessageFeedback?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync("SELECT * FROM feedback WHERE id = @id", Read, cancellationToken, ("@id", id)),
            cancellationToken
        );

    public Task<MessageFeedback?> FindCurrentAsync(string episodeId, string? userId, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.SingleAsync(
                    "SELECT * FROM feedback WHERE episode_id = @episode AND user_id = @user AND is_current = 1",
                    Read,
                    cancellationToken,
                    ("@episode", episodeId),
                    ("@user", userId ?? "")
                ),
            cancellationToken
        );

    public Task<IReadOnlyList<MessageFeedback>> ListAsync(FeedbackQuery query, CancellationToken cancellationToken)
    {
        Page.CheckLimit(query.Limit);
        return database.ReadAsync<IReadOnlyList<MessageFeedback>>(
            async session =>
            {
                var where = new SqlConditions()
                    .Add("agent_id = @agent", "@agent", query.AgentId)
                    .AddAny("agent_id", "@of", query.Agents)
                    .Add("episode_id = @episode", "@episode", query.EpisodeId);
                if (query.Before is not null)
                {
                    var cursor = PageCursor.TryParse(query.Before)
                        ?? await CursorAsync(session, query, cancellationToken).ConfigureAwait(false);
                    where.Add("(created_at, id) < (@at, @id)", "@at", cursor.At).With("@id", cursor.Id);
                }

                where.With("@limit", query.Limit);
                return await session
                    .QueryAsync(
                        $"SELECT * FROM feedback {where} ORDER BY created_at DESC, id DESC LIMIT @limit",
                        Read,
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    public Task<IReadOnlyList<FeedbackCount>> CountAsync(
        string? agentId,
        DateOnly first,
        DateOnly last,
        CancellationToken cancellationToken
    )
    {
        var where = Within("created_at", agentId, first, last)
            .With("@excellent", RewardBands.OnUnitScale(RewardBands.Excellent))
            .With("@good", RewardBands.OnUnitScale(RewardBands.Good));
        return database.LookAsync<IReadOnlyList<FeedbackCount>>(
            async session =>
                await session
                    .QueryAsync(
                        $"""
                        SELECT created_at / {MicrosecondsOfDay} AS day, feedback_type, COUNT(*) AS n, SUM(reward_score) AS total,
                               SUM(CASE WHEN reward_score >= @excellent THEN 1 ELSE 0 END) AS excellent,
                               SUM(CASE WHEN reward_score >= @good AND reward_score < @excellent THEN 1 ELSE 0 END) AS good
                        FROM feedback {where} AND is_current = 1
                        GROUP BY 1, 2 ORDER BY 1, 2
                        """,
                        reader => new FeedbackCount(
                            DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays((int)reader.Integer("day")),
                            reader.Text("feedback_type"),
                            reader.Integer("n"),
                            reader.Number("total"),
                            reader.Integer("excellent"),
                            reader.Integer("good")
                        ),
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );
    }

    public Task<long> CountAsync(string? agentId, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.CountAsync(
                    $"SELECT COUNT(*) FROM feedback WHERE is_current = 1{(agentId is null ? "" : " AND agent_id = @agent")}",
                    cancellationToken,
                    ("@agent", agentId)
                ),
            cancellationToken
        );

    public Task<long> CountMessagesAsync(string? agentId, DateOnly first, DateOnly last, CancellationToken cancellationToken)
    {
        var where = Within("message_at", agentId, first, last);
        return database.LookAsync(
            session => session.CountAsync($"SELECT COUNT(*) FROM feedback {where} AND opens = 1", cancellationToken, where.Parameters),
            cancellationToken
        );
    }

    public Task<int> RemoveCommentsAsync(
        string userId,
        string? agentId,
        IReadOnlyList<string>? agents,
        int most,
        CancellationToken cancellationToken
    )
    {
        Page.CheckLimit(most);
        var where = new SqlConditions()
            .Add("user_id = @user", "@user", userId)
            .Add("agent_id = @agent", "@agent", agentId)
            .AddAny("agent_id", "@of", agents)
            .With("@most", most);
        return database.WriteAsync(
            session =>
                session.ExecuteAsync(
                    $"UPDATE feedback SET comment = NULL WHERE id IN (SELECT id FROM feedback {where} AND comment IS NOT NULL ORDER BY id "
                        + $"LIMIT @most)",
                    cancellationToken,
                    where.Parameters
                ),
            cancellationToken
        );
    }

    private async Task<bool> AddAsync(SqlSession session, MessageFeedback feedback, CancellationToken cancellationToken)
    {
        if (await FindAsync(session, feedback.Id, cancellationToken).ConfigureAwait(false) is not null)
        {
            return false;
        }

        await session
            .ExecuteAsync(
                "UPDATE feedback SET is_current = 0, updated_at = @at WHERE episode_id = @episode AND user_id = @user AND is_current = 1",
                cancellationToken,
                ("@episode", feedback.EpisodeId),
                ("@user", feedback.UserId ?? ""),
                ("@at", feedback.CreatedAt.ToColumn())
            )
            .ConfigureAwait(false);
        try
        {
            await session
                .ExecuteAsync(
                    """
                    INSERT INTO feedback (id, episode_id, agent_id, message_id, session_id, user_id, feedback_type, rating, helpful,
                                          accurate, complete, comment, reward_score, is_current, opens, message_at, created_at, updated_at)
                    VALUES (@id, @episode, @agent, @message, @session, @user, @type, @rating, @helpful, @accurate, @complete, @comment,
                            @score, 1,
                            CASE WHEN EXISTS (SELECT 1 FROM feedback WHERE episode_id = @episode) THEN 0 ELSE 1 END, @messageAt, @at, @at)
                    """,
                    cancellationToken,
                    ("@id", feedback.Id),
                    ("@episode", feedback.EpisodeId),
                    ("@agent", feedback.AgentId),
                    ("@message", feedback.MessageId),
                    ("@session", feedback.SessionId),
                    ("@user", feedback.UserId ?? ""),
                    ("@type", feedback.FeedbackType),
                    ("@rating", (long?)feedback.Rating),
                    ("@helpful", Column(feedback.Helpful)),
                    ("@accurate", Column(feedback.Accurate)),
                    ("@complete", Column(feedback.Complete)),
                    ("@comment", feedback.Comment),
                    ("@score", feedback.RewardScore),
                    ("@messageAt", feedback.MessageCreatedAt.ToColumn()),
                    ("@at", feedback.CreatedAt.ToColumn())
                )
                .ConfigureAwait(false);
        }
        catch (DbException e) when (database.IsConstraintViolation(e))
        {
            throw new LightningException(
                ErrorKind.NotFound,
                $"Episode {feedback.EpisodeId} not found. Feedback needs the id of a stored episode.",
                e
            );
        }

        return true;
    }

    private static async Task<PageCursor> CursorAsync(SqlSession session, FeedbackQuery query, CancellationToken cancellationToken)
    {
        var known = new SqlConditions()
            .AddAny("id", "@id", EpisodeIds.Places(query.Before!, query.Agents))
            .AddAny("agent_id", "@of", query.Agents);
        var found = await session
            .QueryAsync(
                $"SELECT created_at, id FROM feedback {known} ORDER BY id LIMIT 1",
                reader => new PageCursor(reader.Integer("created_at"), reader.Text("id")),
                cancellationToken,
                known.Parameters
            )
            .ConfigureAwait(false);
        return found.Count > 0 ? found[0] : throw LightningException.NotFound($"Feedback {query.Before}, named by 'before', not found.");
    }

    private static Task<MessageFeedback?> FindAsync(SqlSession session, string id, CancellationToken cancellationToken) =>
        session.SingleAsync("SELECT * FROM feedback WHERE id = @id", Read, cancellationToken, ("@id", id));

    private static SqlConditions Within(string column, string? agentId, DateOnly first, DateOnly last) =>
        new SqlConditions()
            .Add("agent_id = @agent", "@agent", agentId)
            .Add($"{column} >= @first", "@first", Start(first))
            .Add($"{column} < @end", "@end", Start(last) + MicrosecondsOfDay);

    private static long Start(DateOnly day) => (day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber) * MicrosecondsOfDay;

    private static long? Column(bool? value) => value is null ? null : value.Value.ToColumn();

    private static MessageFeedback Read(DbDataReader reader) =>
        new()
        {
            Id = reader.Text("id"),
            MessageId = reader.Text("message_id"),
            EpisodeId = reader.Text("episode_id"),
            AgentId = reader.Text("agent_id"),
            SessionId = reader.TextOrNull("session_id"),
            UserId = reader.Text("user_id") is { Length: > 0 } user ? user : null,
            FeedbackType = reader.Text("feedback_type"),
            Rating = (int?)reader.IntegerOrNull("rating"),
            Helpful = reader.FlagOrNull("helpful"),
            Accurate = reader.FlagOrNull("accurate"),
            Complete = reader.FlagOrNull("complete"),
            Comment = reader.TextOrNull("comment"),
            RewardScore = reader.Number("reward_score"),
            MessageCreatedAt = reader.Time("message_at"),
            CreatedAt = reader.Time("created_at"),
            UpdatedAt = reader.Time("updated_at"),
            IsCurrent = reader.Flag("is_current"),
        };
}
