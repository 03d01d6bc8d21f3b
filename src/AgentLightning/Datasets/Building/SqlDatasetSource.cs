using System.Data.Common;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Rewards;
using AgentLightning.Storage;

namespace AgentLightning.Datasets.Building;

/// <summary>
/// Reads the episodes of an agent for data sets: across episodes and rewards, by column, because one statement is worth more than three
/// passes over all rows.
/// </summary>
internal sealed class SqlDatasetSource(SqlDatabase database) : IEpisodeSource
{
    /// <summary>Episodes that are asked for together.</summary>
    public const int Together = 512;

    // One text instead of a parameter for each id: an engine looks for a parameter by its name among all others.
    private const string ListSqlite = "(SELECT value FROM json_each(@ids))";
    private const string ListPostgres = "(SELECT jsonb_array_elements_text(@ids::jsonb))";

    private const string Penalties = "('cost_penalty', 'latency_penalty')";

    public Task ScanAsync(string agentId, DatasetRequest request, Action<RewardedFact> found, CancellationToken cancellationToken)
    {
        var sources = new SqlConditions().AddAny("r.source", "@source", Words(request.Sources));
        var where = new SqlConditions()
            .Add("e.agent_id = @agent", "@agent", agentId)
            .Add("e.created_at >= @start", "@start", request.Start?.ToColumn())
            .Add("e.created_at < @end", "@end", request.End?.ToColumn());
        var sql = $"""
            SELECT e.id, e.session_id, e.input_key,
                   (CASE WHEN e.status <> 'succeeded' THEN {(int)EpisodeFacts.NotSucceeded} ELSE 0 END)
                 + (CASE WHEN e.internal <> 0 THEN {(int)EpisodeFacts.Internal} ELSE 0 END)
                 + (CASE WHEN e.payload_removed <> 0 THEN {(int)EpisodeFacts.PayloadRemoved} ELSE 0 END)
                 + (CASE WHEN e.action IS NULL THEN {(int)EpisodeFacts.NoAction} ELSE 0 END) AS facts,
                   r.value,
                   (CASE WHEN r.source IN {Penalties} THEN 1 ELSE 0 END) + (CASE WHEN r.correction IS NULL THEN 0 ELSE 2 END) AS said,
                   {Column(request.Models, "e.model")}, {Column(request.Releases, "e.deployment_id")}, {Column(request.Tags, "e.tags")}
            FROM episodes e LEFT JOIN rewards r ON r.episode_id = e.id AND r.is_current = 1 {sources.More}
            {where} ORDER BY e.created_at, e.id
            """;
        return database.LookAsync(
            async session =>
            {
                await session
                    .ReadTogetherAsync(
                        [new SqlRead(sql, row => found(FactOf(row)), [.. sources.Parameters, .. where.Parameters])],
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                return 0;
            },
            cancellationToken
        );
    }

    public Task<long> CountAsync(string agentId, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.CountAsync("SELECT COUNT(*) FROM episodes WHERE agent_id = @agent", cancellationToken, ("@agent", agentId)),
            cancellationToken
        );

    public async Task<EpisodeContent?[]> ReadAsync(
        IReadOnlyList<string> ids,
        IReadOnlyList<RewardSource>? sources,
        bool corrections,
        CancellationToken cancellationToken
    )
    {
        var places = new Dictionary<string, int>(ids.Count, StringComparer.Ordinal);
        for (var i = 0; i < ids.Count; i++)
        {
            places[ids[i]] = i;
        }

        var contents = new EpisodeContent?[ids.Count];
        for (var from = 0; from < ids.Count; from += Together)
        {
            var asked = JsonSerializer.Serialize(ids.Skip(from).Take(Together));
            var said = new SqlConditions().AddAny("r.source", "@source", corrections ? Words(sources) : null);
            var correction = corrections
                ? $"""
                    (SELECT r.correction FROM rewards r WHERE r.episode_id = e.id AND r.is_current = 1 AND r.correction IS NOT NULL
                        {said.More} ORDER BY r.created_at DESC, r.id DESC LIMIT 1)
                    """
                : "NULL";
            var select = $"""
                SELECT e.id, e.session_id, e.user_id, e.input_key, e.intent, p.user_input, p.assistant_output, p.tool_calls, p.messages,
                       e.action, e.action_log_probability, {correction}
                FROM episodes e JOIN episode_payloads p ON p.episode_id = e.id WHERE e.id IN
                """;
            await database
                .LookAsync(
                    async session =>
                    {
                        await session
                            .ReadTogetherAsync(
                                [
                                    new SqlRead(
                                        $"{select} {(session.TakesArrays ? ListPostgres : ListSqlite)}",
                                        row =>
                                        {
                                            var content = ContentOf(row);
                                            contents[places[content.Id]] = content;
                                        },
                                        [("@ids", asked), .. said.Parameters]
                                    ),
                                ],
                                cancellationToken
                            )
                            .ConfigureAwait(false);
                        return 0;
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
        }

        return contents;
    }

    /// <summary>Those of the ids whose episodes are there no more.</summary>
    /// <param name="ids">Up to <see cref="Together"/>.</param>
    public async Task<IReadOnlyList<string>> MissingAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        var asked = JsonSerializer.Serialize(ids);
        var there = await database
            .LookAsync(
                session =>
                    session.QueryAsync(
                        $"SELECT id FROM episodes WHERE id IN {(session.TakesArrays ? ListPostgres : ListSqlite)}",
                        row => row.GetString(0),
                        cancellationToken,
                        ("@ids", asked)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return there.Count == ids.Count ? [] : [.. ids.Except(there, StringComparer.Ordinal)];
    }

    private static IReadOnlyList<string>? Words(IReadOnlyList<RewardSource>? sources) => sources?.Select(EnumText.Of).ToList();

    private static string Column(IReadOnlyList<string>? asked, string column) => asked is null ? "NULL" : column;

    private static RewardedFact FactOf(DbDataReader row)
    {
        var said = row.GetInt32(5);
        return new RewardedFact(
            row.GetString(0),
            TextOrNull(row, 1),
            row.GetString(2),
            (EpisodeFacts)row.GetInt32(3),
            row.IsDBNull(4) ? null : row.GetDouble(4),
            (said & 1) != 0,
            (said & 2) != 0,
            TextOrNull(row, 6),
            TextOrNull(row, 7),
            TextOrNull(row, 8)
        );
    }

    private static EpisodeContent ContentOf(DbDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            Session = TextOrNull(row, 1),
            User = TextOrNull(row, 2),
            InputKey = row.GetString(3),
            Slice = TextOrNull(row, 4),
            Input = row.GetFieldValue<byte[]>(5),
            Output = row.GetFieldValue<byte[]>(6),
            ToolCalls = BytesOrNull(row, 7),
            Messages = BytesOrNull(row, 8),
            Action = TextOrNull(row, 9),
            LogProbability = row.IsDBNull(10) ? null : row.GetDouble(10),
            Correction = BytesOrNull(row, 11),
        };

    private static string? TextOrNull(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static byte[]? BytesOrNull(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);
}
