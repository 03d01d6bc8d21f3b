using System.Data.Common;
using System.Runtime.CompilerServices;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Episodes;

internal sealed class SqlEpisodeStore(SqlDatabase database) : IEpisodeStore
{
    private const int ListedCharacters = 200;

    private const string Columns =
        "e.id, e.agent_id, e.session_id, e.correlation_id, e.model, e.deployment_id, e.training_run_id, e.status, e.internal, e.action, "
        + "e.action_log_probability, e.input_key, e.latency_ms, e.created_at, e.user_id, e.message_id, e.trace_id, e.intent, e.persona, "
        + "e.time_to_first_token_ms, "
        + "e.tool_call_count, e.tags, e.payload_removed";

    private const string WholeSql = $"""
        SELECT {Columns}, p.user_input, p.assistant_output, p.tool_calls, p.token_usage, p.metadata, p.messages, p.tokens, p.error
        FROM episodes e LEFT JOIN episode_payloads p ON p.episode_id = e.id
        """;

    internal const string InsertSql = """
        INSERT INTO episodes (id, agent_id, session_id, correlation_id, model, deployment_id, training_run_id, status, internal, action,
                              action_log_probability, input_key, latency_ms, created_at, user_id, message_id, trace_id, intent, persona,
                              time_to_first_token_ms, tool_call_count, tags, prompt_tokens, completion_tokens)
        VALUES (@id, @agent, @session, @correlation, @model, @deployment, @run, @status, @internal, @action, @logp, @key, @latency, @at,
                @user, @message, @trace, @intent, @persona, @ttft, @calls, @tags, @prompt, @completion)
        ON CONFLICT (id) DO NOTHING
        """;

    private const string UpdateReadSql = """
        UPDATE episodes SET agent_id = @agent, session_id = @session, model = @model, status = @status, input_key = @key,
                            latency_ms = @latency, user_id = @user, message_id = @message, time_to_first_token_ms = @ttft,
                            tool_call_count = @calls, tags = @tags, prompt_tokens = @prompt, completion_tokens = @completion
        WHERE id = @id AND trace_id = @trace
        """;

    private const string UpdatePayloadSql = """
        UPDATE episode_payloads SET user_input = @input, assistant_output = @output, tool_calls = @tools, token_usage = @usage,
                                    metadata = @metadata, messages = @messages, tokens = @tokens, error = @error
        WHERE episode_id = @id
        """;

    internal const string InsertPayloadSql = """
        INSERT INTO episode_payloads (episode_id, user_input, assistant_output, tool_calls, token_usage, metadata, messages, tokens, error)
        VALUES (@id, @input, @output, @tools, @usage, @metadata, @messages, @tokens, @error)
        """;

    public Task<IReadOnlyList<AddedEpisode>> AddEachAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<AddedEpisode>>(
            session => new EpisodeAddition(database, session, episodes).AddAsync(cancellationToken),
            cancellationToken
        );

    public Task<int> UpdateReadAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                var ordered = episodes.OrderBy(episode => episode.Id, StringComparer.Ordinal).ToList();
                var (totals, ids) = (new DailyTotals(), ordered.ConvertAll(episode => episode.Id));
                await LockAsync(session, ids, cancellationToken).ConfigureAwait(false);
                await EpisodeTotals.GatherAsync(totals, session, ids, takeOff: true, cancellationToken).ConfigureAwait(false);
                var changed = await session
                    .ExecuteEachAsync(UpdateReadSql, [.. ordered.Select(RowOf)], cancellationToken)
                    .ConfigureAwait(false);
                await MoveAsync(session, [.. ordered.Where((_, i) => changed[i])], cancellationToken).ConfigureAwait(false);
                await session
                    .ExecuteEachAsync(UpdatePayloadSql, [.. ordered.Where((_, i) => changed[i]).Select(PayloadOf)], cancellationToken)
                    .ConfigureAwait(false);
                await EpisodeTotals.GatherAsync(totals, session, ids, takeOff: false, cancellationToken).ConfigureAwait(false);
                await totals.WriteAsync(database, session, cancellationToken).ConfigureAwait(false);
                return changed.Count(isChanged => isChanged);
            },
            cancellationToken
        );

    public Task<Episode?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync($"{WholeSql} WHERE e.id = @id", Read, cancellationToken, ("@id", id)),
            cancellationToken
        );

    public Task<IReadOnlyList<EpisodeOrigin>> OriginsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        var where = new SqlConditions().AddAny("id", "@id", ids);
        return database.LookAsync<IReadOnlyList<EpisodeOrigin>>(
            async session =>
                await session
                    .QueryAsync($"SELECT id, agent_id, deployment_id FROM episodes {where}", OriginOf, cancellationToken, where.Parameters)
                    .ConfigureAwait(false),
            cancellationToken
        );
    }

    public async Task<IReadOnlyList<EpisodeOrigin>> FindByMessageAsync(
        string messageId,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    )
    {
        var where = new SqlConditions().Add("message_id = @id", "@id", messageId).AddAny("agent_id", "@of", agents);
        var found = await database
            .LookAsync(
                session =>
                    session.QueryAsync(
                        $"SELECT id, agent_id, deployment_id FROM episodes {where} ORDER BY created_at DESC, id DESC LIMIT {Page.Most}",
                        OriginOf,
                        cancellationToken,
                        where.Parameters
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return [.. found.DistinctBy(episode => episode.AgentId)];
    }

    public Task<IReadOnlyList<EpisodeSummary>> ListAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        PageAsync(
            $"""
            SELECT {Columns}, substr(p.user_input, 1, {ListedCharacters + 1}) AS user_input, substr(p.assistant_output, 1, {ListedCharacters
                + 1}) AS assistant_output
            FROM episodes e LEFT JOIN episode_payloads p ON p.episode_id = e.id
            """,
            Summarise,
            query,
            null,
            cancellationToken
        );

    public async IAsyncEnumerable<Episode> ReadAsync(EpisodeQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // By time and id of the last one, which may be deleted before the next page is read.
        for (PageCursor? after = null; ; )
        {
            var episodes = await PageAsync(WholeSql, Read, query, after, cancellationToken).ConfigureAwait(false);
            foreach (var episode in episodes)
            {
                yield return episode;
            }

            if (episodes.Count < query.Limit)
            {
                yield break;
            }

            after = new PageCursor(episodes[^1].CreatedAt.ToColumn(), episodes[^1].Id);
        }
    }

    public Task<long> CountAsync(string? agentId, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                agentId is null
                    ? session.CountAsync("SELECT COALESCE(SUM(episodes), 0) FROM daily_totals", cancellationToken)
                    : session.CountAsync(
                        "SELECT COALESCE(SUM(episodes), 0) FROM daily_totals WHERE agent_id = @agent",
                        cancellationToken,
                        ("@agent", agentId)
                    ),
            cancellationToken
        );

    public Task<string?> FindBaseModelAsync(string agentId, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.SingleAsync(
                    $"""
                    SELECT model FROM (
                        SELECT model, deployment_id, training_run_id, created_at, id FROM episodes
                        WHERE agent_id = @agent ORDER BY created_at DESC, id DESC LIMIT {Page.Most}
                    ) AS newest
                    WHERE deployment_id IS NULL AND training_run_id IS NULL AND model IS NOT NULL ORDER BY created_at DESC, id DESC LIMIT 1
                    """,
                    reader => reader.Text("model"),
                    cancellationToken,
                    ("@agent", agentId)
                ),
            cancellationToken
        );

    public Task<int> DeleteAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
        new EpisodeDeletion(database, selection, most).DeleteAsync(cancellationToken);

    public Task<IReadOnlyList<string>> ChooseAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
        new EpisodeDeletion(database, selection, most).ChooseAsync(cancellationToken);

    public Task<IReadOnlyList<string>> WithPayloadAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
        new EpisodeDeletion(database, selection, most).WithPayloadAsync(cancellationToken);

    public Task<int> RemovePayloadsAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken) =>
        new EpisodeDeletion(database, selection, most).RemovePayloadsAsync(cancellationToken);

    /// <summary>
    /// A page in the order of the index, with only the conditions that are asked for: the database finds its way by those.
    /// </summary>
    private Task<IReadOnlyList<T>> PageAsync<T>(
        string select,
        Func<DbDataReader, T> map,
        EpisodeQuery query,
        PageCursor? after,
        CancellationToken cancellationToken
    )
    {
        if (query.Limit is < 1 or > 1_000)
        {
            throw LightningException.Invalid($"limit must be from 1 to 1000, but it is {query.Limit}.");
        }

        return database.ReadAsync<IReadOnlyList<T>>(
            async session =>
            {
                var where = new SqlConditions()
                    .Add("e.agent_id = @agent", "@agent", query.AgentId)
                    .AddAny("e.agent_id", "@of", query.Agents)
                    .Add("e.session_id = @session", "@session", query.SessionId)
                    .Add("e.user_id = @user", "@user", query.UserId)
                    .Add("e.created_at >= @start", "@start", query.Start?.ToColumn())
                    .Add("e.created_at < @end", "@end", query.End?.ToColumn());
                if (after is not null || query.Before is not null)
                {
                    var cursor = after
                        ?? PageCursor.TryParse(query.Before)
                        ?? await CursorAsync(session, query, cancellationToken).ConfigureAwait(false);
                    where.Add("(e.created_at, e.id) < (@at, @id)", "@at", cursor.At).With("@id", cursor.Id);
                }

                where.With("@limit", query.Limit);
                return await session
                    .QueryAsync(
                        $"{select} {where} ORDER BY e.created_at DESC, e.id DESC LIMIT @limit",
                        map,
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    /// <summary>What was said of episodes goes with them to the agent that they are of now.</summary>
    private static async Task MoveAsync(SqlSession session, List<Episode> episodes, CancellationToken cancellationToken)
    {
        (string, SqlValue)[][] rows =
        [
            .. episodes.Select(episode => new (string, SqlValue)[] { ("@id", episode.Id), ("@agent", episode.AgentId) }),
        ];
        foreach (var table in (string[])["rewards", "feedback"])
        {
            await session
                .ExecuteEachAsync(
                    $"UPDATE {table} SET agent_id = @agent WHERE episode_id = @id AND agent_id <> @agent",
                    rows,
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Keeps rewards and deletions of the episodes away until the end of the transaction, where others write at the same time.
    /// </summary>
    private async Task LockAsync(SqlSession session, IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        if (!database.ManyWriters)
        {
            return;
        }

        foreach (var id in ids)
        {
            await session
                .ExecuteAsync("SELECT id FROM episodes WHERE id = @id FOR UPDATE", cancellationToken, ("@id", id))
                .ConfigureAwait(false);
        }
    }

    private static async Task<PageCursor> CursorAsync(SqlSession session, EpisodeQuery query, CancellationToken cancellationToken)
    {
        var where = new SqlConditions()
            .AddAny("id", "@id", EpisodeIds.Places(query.Before!, query.Agents))
            .AddAny("agent_id", "@of", query.Agents);
        var found = await session
            .QueryAsync(
                $"SELECT created_at, id FROM episodes {where} ORDER BY id LIMIT 1",
                reader => new PageCursor(reader.Integer("created_at"), reader.Text("id")),
                cancellationToken,
                where.Parameters
            )
            .ConfigureAwait(false);
        return found.Count > 0 ? found[0] : throw LightningException.NotFound($"Episode {query.Before}, named by 'before', not found.");
    }

    private static EpisodeOrigin OriginOf(DbDataReader reader) =>
        new(reader.Text("id"), reader.Text("agent_id"), reader.TextOrNull("deployment_id"));

    private static Episode Read(DbDataReader reader) =>
        new()
        {
            Id = reader.Text("id"),
            AgentId = reader.Text("agent_id"),
            UserInput = reader.TextOrNull("user_input") ?? "",
            AssistantOutput = reader.TextOrNull("assistant_output") ?? "",
            PayloadRemoved = reader.Flag("payload_removed"),
            CreatedAt = reader.Time("created_at"),
            RequestLatencyMs = reader.Number("latency_ms"),
            Status = EnumText.Parse<EpisodeStatus>(reader.Text("status"), "status"),
            ModelDeployment = reader.TextOrNull("model"),
            DeploymentId = reader.TextOrNull("deployment_id"),
            TrainingRunId = reader.TextOrNull("training_run_id"),
            SessionId = reader.TextOrNull("session_id"),
            CorrelationId = reader.TextOrNull("correlation_id"),
            UserId = reader.TextOrNull("user_id"),
            MessageId = reader.TextOrNull("message_id"),
            TraceId = reader.TextOrNull("trace_id"),
            Intent = reader.TextOrNull("intent"),
            Persona = reader.TextOrNull("persona"),
            Error = reader.TextOrNull("error"),
            TimeToFirstTokenMs = reader.NumberOrNull("time_to_first_token_ms"),
            Internal = reader.Flag("internal"),
            Action = reader.TextOrNull("action"),
            ActionLogProbability = reader.NumberOrNull("action_log_probability"),
            InputKey = reader.Text("input_key"),
            ToolCalls = reader.JsonOrNull<List<EpisodeToolCall>>("tool_calls") ?? [],
            TokenUsage = reader.JsonOrNull<TokenUsage>("token_usage"),
            Messages = reader.JsonOrNull<List<EpisodeMessage>>("messages") ?? [],
            Tokens = reader.JsonOrNull<EpisodeTokens>("tokens"),
            Tags = reader.JsonOrNull<List<string>>("tags") ?? [],
            Metadata = reader.JsonOrNull<Dictionary<string, string>>("metadata"),
        };

    private static EpisodeSummary Summarise(DbDataReader reader) =>
        new(
            reader.Text("id"),
            reader.Text("agent_id"),
            Cut(reader.TextOrNull("user_input") ?? ""),
            Cut(reader.TextOrNull("assistant_output") ?? ""),
            (int)reader.Integer("tool_call_count"),
            reader.TextOrNull("model"),
            reader.TextOrNull("deployment_id"),
            reader.Number("latency_ms"),
            reader.Time("created_at")
        );

    private static string Cut(string text)
    {
        if (text.Length <= ListedCharacters)
        {
            return text;
        }

        // Half of a surrogate pair is no character.
        return text[..(char.IsHighSurrogate(text[ListedCharacters - 1]) ? ListedCharacters - 1 : ListedCharacters)] + "...";
    }

    internal static (string, SqlValue)[] RowOf(Episode episode) =>
        [
            ("@id", episode.Id),
            ("@agent", episode.AgentId),
            ("@session", episode.SessionId),
            ("@correlation", episode.CorrelationId),
            ("@model", episode.ModelDeployment),
            ("@deployment", episode.DeploymentId),
            ("@run", episode.TrainingRunId),
            ("@status", EnumText.Of(episode.Status)),
            ("@internal", episode.Internal.ToColumn()),
            ("@action", episode.Action),
            ("@logp", episode.ActionLogProbability),
            ("@key", episode.InputKey ?? InputKeys.Of(episode.UserInput)),
            ("@latency", episode.RequestLatencyMs),
            ("@at", episode.CreatedAt.ToColumn()),
            ("@user", episode.UserId),
            ("@message", episode.MessageId),
            ("@trace", episode.TraceId),
            ("@intent", episode.Intent),
            ("@persona", episode.Persona),
            ("@ttft", episode.TimeToFirstTokenMs),
            ("@calls", episode.ToolCalls.Count),
            ("@tags", JsonOf(episode.Tags)),
            ("@prompt", (long?)episode.TokenUsage?.Prompt),
            ("@completion", (long?)episode.TokenUsage?.Completion),
        ];

    internal static (string, SqlValue)[] PayloadOf(Episode episode) =>
        [
            ("@id", episode.Id),
            ("@input", episode.UserInput),
            ("@output", episode.AssistantOutput),
            ("@tools", JsonOf(episode.ToolCalls)),
            ("@usage", SqlValues.ToJsonColumn(episode.TokenUsage)),
            ("@metadata", SqlValues.ToJsonColumn(episode.Metadata)),
            ("@messages", JsonOf(episode.Messages)),
            ("@tokens", SqlValues.ToJsonColumn(episode.Tokens)),
            ("@error", episode.Error),
        ];

    private static string? JsonOf<T>(IReadOnlyList<T> list) => list.Count == 0 ? null : SqlValues.ToJsonColumn(list);
}
