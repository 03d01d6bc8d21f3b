using System.Data.Common;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Traces;

internal sealed class SqlTraceStore(SqlDatabase database) : ITraceStore
{
    private static readonly (string, string)[] s_spanColumns =
    [
        ("trace_id", "text"),
        ("span_id", "text"),
        ("parent_id", "text"),
        ("form", "text"),
        ("name", "text"),
        ("agent_id", "text"),
        ("session_id", "text"),
        ("user_id", "text"),
        ("status", "text"),
        ("marks", "int"),
        ("start_ns", "bigint"),
        ("end_ns", "bigint"),
        ("received_at", "bigint"),
        ("body", "bytea"),
    ];

    private static readonly string[] s_traceParameters = ["@trace", "@agent", "@root", "@at"];

    /// <summary>Traces that are asked for by one statement.</summary>
    private const int MostAsked = 512;

    /// <summary>
    /// A root that names its agent (<c>has_root</c> 2) says whose the trace is, also when it comes last: its sender may write for that
    /// agent and for the one before.
    /// What comes after the late window, or after bodies went, leaves the trace as it was read. One that was never read is due when it is
    /// quiet, and at the latest when it was open for long. <c>payload_removed</c> is 1 when all bodies went, and 2 when others came since,
    /// which go in their turn. In braces stand the times of the options.
    /// </summary>
    private const string OnTraceConflict = """
        ON CONFLICT (trace_id) DO UPDATE SET
            agent_id = CASE WHEN excluded.has_root = 2 THEN excluded.agent_id ELSE traces.agent_id END,
            has_root = CASE WHEN excluded.has_root > traces.has_root THEN excluded.has_root ELSE traces.has_root END,
            last_at = excluded.last_at,
            writes = traces.writes + 1,
            payload_removed = CASE WHEN traces.payload_removed > 0 THEN 2 ELSE 0 END,
            due_at = CASE
                WHEN traces.payload_removed > 0 THEN traces.due_at
                WHEN traces.read_at IS NOT NULL AND excluded.last_at > traces.read_at + {late} THEN traces.due_at
                WHEN traces.read_at IS NULL AND excluded.last_at + {root_quiet} > traces.first_at + {longest}
                    THEN traces.first_at + {longest}
                WHEN excluded.has_root > 0 OR traces.has_root > 0 THEN excluded.last_at + {root_quiet}
                ELSE excluded.last_at + {quiet} END
        """;

    private const string CountSql = """
        INSERT INTO trace_counts (service, scope, what, count, first_at, last_at) VALUES (@service, @scope, @what, @count, @first, @last)
        ON CONFLICT (service, scope, what) DO UPDATE SET
            count = trace_counts.count + excluded.count,
            last_at = CASE WHEN excluded.last_at > trace_counts.last_at THEN excluded.last_at ELSE trace_counts.last_at END
        """;

    private const string SpanSql = """
        SELECT trace_id, span_id, parent_id, form, name, agent_id, session_id, user_id, status, marks, start_ns, end_ns, received_at, body
        FROM spans
        """;

    public Task<TraceWriteResult> AddAsync(
        IReadOnlyList<SpanRecord> spans,
        IReadOnlyList<TraceCount> counts,
        TraceOptions options,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            async session =>
            {
                // In one order everywhere: two groups with the same traces never wait for each other in a circle.
                var ordered = spans
                    .OrderBy(span => span.TraceId, StringComparer.Ordinal)
                    .ThenBy(span => span.SpanId, StringComparer.Ordinal)
                    .ToList();
                await NoteTracesAsync(session, TracesOf(ordered), options, cancellationToken).ConfigureAwait(false);
                var added = await SqlInsert
                    .NewAsync(session, "spans", s_spanColumns, 2, [.. ordered.Select(RowOf)], cancellationToken)
                    .ConfigureAwait(false);
                var conflicts = 0;
                for (var i = 0; i < added.Length; i++)
                {
                    conflicts += added[i] || await IsThereAsync(session, ordered[i], cancellationToken).ConfigureAwait(false) ? 0 : 1;
                }

                var known = added.Count(isNew => !isNew);
                var all = known == 0 ? counts : [.. counts, .. Repeated(known - conflicts, conflicts, ordered[0].ReceivedAt)];
                await WriteCountsAsync(session, all, cancellationToken).ConfigureAwait(false);
                return new TraceWriteResult(added.Length - known, known - conflicts, conflicts);
            },
            cancellationToken
        );

    public Task<IReadOnlyList<DueTrace>> DueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        database.LookAsync<IReadOnlyList<DueTrace>>(
            async session =>
                await session
                    .QueryAsync(
                        "SELECT trace_id, due_at, episode_id, first_at, writes FROM traces "
                            + "WHERE due_at <= @now ORDER BY due_at, trace_id LIMIT @limit",
                        reader => new DueTrace(
                            reader.Text("trace_id"),
                            reader.Time("due_at"),
                            reader.TextOrNull("episode_id"),
                            reader.Time("first_at"),
                            reader.Integer("writes")
                        ),
                        cancellationToken,
                        ("@now", now.ToColumn()),
                        ("@limit", limit)
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );

    public Task MarkReadAsync(IReadOnlyList<AssembledTrace> readings, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                var ordered = readings.OrderBy(reading => reading.Trace.TraceId, StringComparer.Ordinal).ToList();
                await CountFindingsAsync(session, ordered, cancellationToken).ConfigureAwait(false);
                return await session
                    .ExecuteEachAsync(
                        """
                        UPDATE traces SET episode_id = COALESCE(@episode, episode_id), read_at = COALESCE(read_at, @now),
                            diagnosis = @diagnosis, failure = @failure,
                            due_at = CASE WHEN due_at = @due THEN @again ELSE due_at END
                        WHERE trace_id = @trace
                        """,
                        [
                            .. ordered.Select(reading =>
                                new (string, SqlValue)[]
                                {
                                    ("@trace", reading.Trace.TraceId),
                                    ("@episode", reading.EpisodeId),
                                    ("@now", now.ToColumn()),
                                    (
                                        "@diagnosis",
                                        reading.Findings is { Count: > 0 } found
                                            ? JsonSerializer.Serialize(found, LightningJson.Options)
                                            : null
                                    ),
                                    ("@due", reading.Trace.DueAt.ToColumn()),
                                    ("@again", reading.Again?.ToColumn()),
                                    ("@failure", reading.Failure),
                                }
                            ),
                        ],
                        cancellationToken
                    )
                    .ConfigureAwait(false);
            },
            cancellationToken
        );

    public Task<IReadOnlyList<SpanRecord>> SpansAsync(string traceId, int limit, CancellationToken cancellationToken) =>
        database.LookAsync<IReadOnlyList<SpanRecord>>(
            async session =>
                await session
                    .QueryAsync(
                        $"{SpanSql} WHERE trace_id = @trace ORDER BY start_ns, span_id LIMIT @limit",
                        Read,
                        cancellationToken,
                        ("@trace", traceId),
                        ("@limit", limit)
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );

    public async Task<IReadOnlyDictionary<string, string>> AgentsAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        var agents = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var some in traceIds.Chunk(MostAsked))
        {
            var where = new SqlConditions().AddAny("trace_id", "@trace", some);
            var found = await database
                .LookAsync(
                    session =>
                        session.QueryAsync(
                            $"SELECT trace_id, agent_id FROM traces {where}",
                            reader => (Trace: reader.Text("trace_id"), Agent: reader.Text("agent_id")),
                            cancellationToken,
                            where.Parameters
                        ),
                    cancellationToken
                )
                .ConfigureAwait(false);
            found.ForEach(one => agents[one.Trace] = one.Agent);
        }

        return agents;
    }

    public Task<long> CountAsync(CancellationToken cancellationToken) =>
        database.LookAsync(session => session.CountAsync("SELECT COUNT(*) FROM spans", cancellationToken), cancellationToken);

    public Task<long> CountPendingAsync(CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.CountAsync("SELECT COUNT(*) FROM traces WHERE due_at IS NOT NULL", cancellationToken),
            cancellationToken
        );

    public Task<FailedTraces> FailedAsync(int limit, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async session => new FailedTraces(
                await session.CountAsync("SELECT COUNT(*) FROM traces WHERE failure IS NOT NULL", cancellationToken).ConfigureAwait(false),
                await session
                    .QueryAsync(
                        "SELECT trace_id, agent_id, failure, last_at FROM traces WHERE failure IS NOT NULL "
                            + "ORDER BY last_at DESC, trace_id DESC LIMIT @limit",
                        reader => new FailedTrace(
                            reader.Text("trace_id"),
                            reader.Text("agent_id"),
                            reader.Text("failure"),
                            reader.Time("last_at")
                        ),
                        cancellationToken,
                        ("@limit", limit)
                    )
                    .ConfigureAwait(false)
            ),
            cancellationToken
        );

    public Task<bool> DeleteAsync(string traceId, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
                await session
                    .ExecuteAsync("DELETE FROM traces WHERE trace_id = @trace", cancellationToken, ("@trace", traceId))
                    .ConfigureAwait(false) > 0,
            cancellationToken
        );

    public Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.ExecuteAsync(
                    "DELETE FROM traces WHERE trace_id IN (SELECT trace_id FROM traces WHERE first_at < @moment ORDER BY first_at, "
                        + "trace_id LIMIT @limit)",
                    cancellationToken,
                    ("@moment", moment.ToColumn()),
                    ("@limit", limit)
                ),
            cancellationToken
        );

    public async Task<int> DeletePayloadsBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken)
    {
        // By the index of those that still have something, and before the transaction: nobody waits while they are looked for.
        var traces = await database
            .LookAsync(
                session =>
                    session.QueryAsync(
                        "SELECT trace_id FROM traces WHERE first_at < @moment AND payload_removed <> 1 ORDER BY first_at, trace_id LIMIT "
                            + "@limit",
                        reader => reader.Text("trace_id"),
                        cancellationToken,
                        ("@moment", moment.ToColumn()),
                        ("@limit", limit)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return traces.Count == 0
            ? 0
            : await database
                .FreeAsync(
                    async session =>
                    {
                        await DeletePayloadsAsync(session, traces, cancellationToken).ConfigureAwait(false);
                        return traces.Count;
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
    }

    public Task DeletePayloadsOfAsync(IReadOnlyList<string> episodeIds, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                var of = new SqlConditions().AddAny("episode_id", "@id", episodeIds);
                var traces = await session
                    .QueryAsync(
                        $"SELECT trace_id FROM traces {of} AND payload_removed <> 1",
                        reader => reader.Text("trace_id"),
                        cancellationToken,
                        of.Parameters
                    )
                    .ConfigureAwait(false);
                await DeletePayloadsAsync(session, traces, cancellationToken).ConfigureAwait(false);
                return traces.Count;
            },
            cancellationToken
        );

    public Task<IReadOnlyList<TraceCount>> CountsAsync(CancellationToken cancellationToken) =>
        database.LookAsync<IReadOnlyList<TraceCount>>(
            async session =>
                await session
                    .QueryAsync(
                        "SELECT service, scope, what, count, first_at, last_at FROM trace_counts ORDER BY service, scope, what",
                        reader => new TraceCount(
                            reader.Text("service"),
                            reader.Text("scope"),
                            reader.Text("what"),
                            reader.Integer("count"),
                            reader.Time("first_at"),
                            reader.Time("last_at")
                        ),
                        cancellationToken
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );

    /// <summary>Adds what was found, less what an earlier reading of the same traces had found.</summary>
    private async Task CountFindingsAsync(SqlSession session, List<AssembledTrace> readings, CancellationToken cancellationToken)
    {
        var before = new SqlConditions().AddAny("trace_id", "@id", [.. readings.Select(reading => reading.Trace.TraceId)]);
        var taken = await session
            .QueryAsync(
                $"SELECT diagnosis FROM traces {before} AND diagnosis IS NOT NULL ORDER BY trace_id"
                    + (database.ManyWriters ? " FOR UPDATE" : ""),
                reader => reader.JsonOrNull<List<TraceCount>>("diagnosis") ?? [],
                cancellationToken,
                before.Parameters
            )
            .ConfigureAwait(false);
        await WriteCountsAsync(
                session,
                readings
                    .SelectMany(reading => reading.Findings ?? [])
                    .Concat(taken.SelectMany(counts => counts).Select(count => count with { Count = -count.Count }))
                    .GroupBy(count => (count.Service, count.Scope, count.What))
                    .Select(same => same.First() with { Count = same.Sum(count => count.Count) })
                    .Where(count => count.Count != 0),
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private static Task WriteCountsAsync(SqlSession session, IEnumerable<TraceCount> counts, CancellationToken cancellationToken) =>
        session.ExecuteEachAsync(
            CountSql,
            [
                .. counts
                    .OrderBy(count => (count.Service, count.Scope, count.What))
                    .Select(count =>
                        new (string, SqlValue)[]
                        {
                            ("@service", count.Service),
                            ("@scope", count.Scope),
                            ("@what", count.What),
                            ("@count", count.Count),
                            ("@first", count.FirstAt.ToColumn()),
                            ("@last", count.LastAt.ToColumn()),
                        }
                    ),
            ],
            cancellationToken
        );

    private static IEnumerable<TraceCount> Repeated(int duplicates, int conflicts, DateTimeOffset at)
    {
        if (duplicates > 0)
        {
            yield return new TraceCount("", "", TraceCounts.Duplicates, duplicates, at, at);
        }

        if (conflicts > 0)
        {
            yield return new TraceCount("", "", TraceCounts.Conflicts, conflicts, at, at);
        }
    }

    private static async Task DeletePayloadsAsync(SqlSession session, List<string> traces, CancellationToken cancellationToken)
    {
        (string, SqlValue)[][] rows =
        [
            .. traces.Order(StringComparer.Ordinal).Select(trace => new (string, SqlValue)[] { ("@trace", trace) }),
        ];
        await session
            .ExecuteEachAsync("UPDATE spans SET body = NULL WHERE trace_id = @trace", rows, cancellationToken)
            .ConfigureAwait(false);
        // What is gone is not read again: an episode would lose what it has.
        await session
            .ExecuteEachAsync("UPDATE traces SET payload_removed = 1, due_at = NULL WHERE trace_id = @trace", rows, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>True when what is stored under the span's id says the same as the span.</summary>
    private static async Task<bool> IsThereAsync(SqlSession session, SpanRecord span, CancellationToken cancellationToken)
    {
        var stored = await session
            .SingleAsync(
                $"{SpanSql} WHERE trace_id = @trace AND span_id = @span",
                Read,
                cancellationToken,
                ("@trace", span.TraceId),
                ("@span", span.SpanId)
            )
            .ConfigureAwait(false);
        return stored is not null
            && (stored.ParentId, stored.Name, stored.AgentId, stored.Status, stored.StartNanos, stored.EndNanos)
                == (span.ParentId, span.Name, span.AgentId, span.Status, span.StartNanos, span.EndNanos)
            && (stored.Body.Length == 0 || stored.Body.AsSpan().SequenceEqual(span.Body));
    }

    /// <summary>Notes which traces spans come to: all by one statement where the engine is on the network.</summary>
    private static async Task NoteTracesAsync(
        SqlSession session,
        List<SqlValue[]> rows,
        TraceOptions options,
        CancellationToken cancellationToken
    )
    {
        if (rows.Count == 0)
        {
            return;
        }

        var columns = session.TakesArrays
            ? "SELECT trace, agent, root, moment, moment, moment + CASE WHEN root > 0 THEN {root_quiet} ELSE {quiet} END, 1 "
                + "FROM unnest(@trace::text[], @agent::text[], @root::int[], @at::bigint[]) AS told (trace, agent, root, moment)"
            : "VALUES (@trace, @agent, @root, @at, @at, @at + CASE WHEN @root > 0 THEN {root_quiet} ELSE {quiet} END, 1)";
        var sql = $"INSERT INTO traces (trace_id, agent_id, has_root, first_at, last_at, due_at, writes) {columns} {OnTraceConflict}"
            .Replace("{root_quiet}", Microseconds(options.RootQuiet), StringComparison.Ordinal)
            .Replace("{quiet}", Microseconds(options.Quiet), StringComparison.Ordinal)
            .Replace("{late}", Microseconds(options.LateWindow), StringComparison.Ordinal)
            .Replace("{longest}", Microseconds(options.LongestOpen), StringComparison.Ordinal);
        if (session.TakesArrays)
        {
            await session.QueryArraysAsync(sql, s_traceParameters, rows, _ => 0, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            session.ExecuteInTurn(sql, s_traceParameters, rows);
        }

        static string Microseconds(TimeSpan span) =>
            (span.Ticks / TimeSpan.TicksPerMicrosecond).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static List<SqlValue[]> TracesOf(List<SpanRecord> ordered)
    {
        var rows = new List<SqlValue[]>();
        for (var first = 0; first < ordered.Count; )
        {
            var (trace, next, hasRoot) = (ordered[first].TraceId, first, false);
            var (at, agent) = (ordered[first].ReceivedAt, ordered[first]);
            for (; next < ordered.Count && ordered[next].TraceId == trace; next++)
            {
                var span = ordered[next];
                hasRoot |= IsRoot(span);
                at = span.ReceivedAt > at ? span.ReceivedAt : at;
                agent =
                    IsRoot(span) || (!IsRoot(agent) && span.Marks.HasFlag(SpanMarks.Agent) && !agent.Marks.HasFlag(SpanMarks.Agent))
                        ? span
                        : agent;
            }

            rows.Add([trace, agent.AgentId, hasRoot ? (agent.Marks.HasFlag(SpanMarks.Agent) ? 2 : 1) : 0, at.ToColumn()]);
            first = next;
        }

        return rows;

        static bool IsRoot(SpanRecord span) => span is { Form: SpanForm.Span, ParentId: null };
    }

    private static SqlValue[] RowOf(SpanRecord span) =>
        [
            span.TraceId,
            span.SpanId,
            span.ParentId,
            EnumText.Of(span.Form),
            span.Name,
            span.AgentId,
            span.SessionId,
            span.UserId,
            EnumText.Of(span.Status),
            (int)span.Marks,
            span.StartNanos,
            span.EndNanos,
            span.ReceivedAt.ToColumn(),
            span.Body,
        ];

    private static SpanRecord Read(DbDataReader reader) =>
        new()
        {
            TraceId = reader.Text("trace_id"),
            SpanId = reader.Text("span_id"),
            ParentId = reader.TextOrNull("parent_id"),
            Form = EnumText.Parse<SpanForm>(reader.Text("form"), "form"),
            Name = reader.Text("name"),
            AgentId = reader.Text("agent_id"),
            SessionId = reader.TextOrNull("session_id"),
            UserId = reader.TextOrNull("user_id"),
            Status = EnumText.Parse<SpanStatus>(reader.Text("status"), "status"),
            Marks = (SpanMarks)reader.Integer("marks"),
            StartNanos = reader.Integer("start_ns"),
            EndNanos = reader.Integer("end_ns"),
            ReceivedAt = reader.Time("received_at"),
            Body = reader.GetOrdinal("body") is var body && reader.IsDBNull(body) ? [] : reader.GetFieldValue<byte[]>(body),
        };
}
