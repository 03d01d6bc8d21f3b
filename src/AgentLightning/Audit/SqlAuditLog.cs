using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Audit;

internal sealed class SqlAuditLog(SqlDatabase database) : IAuditLog
{
    private const string InsertSql = """
        INSERT INTO audit_entries (id, at, agent_id, actor, action, subject, outcome, detail)
        VALUES (@id, @at, @agent, @actor, @action, @subject, @outcome, @detail) ON CONFLICT (id) DO NOTHING
        """;

    public Task AppendAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.ExecuteEachAsync(
                    InsertSql,
                    [.. entries.OrderBy(entry => entry.Id, StringComparer.Ordinal).Select(RowOf)],
                    cancellationToken
                ),
            cancellationToken
        );

    public Task<IReadOnlyList<AuditEntry>> ListAsync(AuditQuery query, CancellationToken cancellationToken)
    {
        if (query.Limit is < 1 or > 1_000)
        {
            throw LightningException.Invalid($"limit must be from 1 to 1000, but it is {query.Limit}.");
        }

        return database.ReadAsync<IReadOnlyList<AuditEntry>>(
            async session =>
            {
                var where = new SqlConditions()
                    .AddAny("agent_id", "@of", query.Agents)
                    .Add("action = @action", "@action", query.Action is { } action ? EnumText.Of(action) : null)
                    .Add("at >= @start", "@start", query.Start?.ToColumn())
                    .Add("at < @end", "@end", query.End?.ToColumn());
                if (query.Before is not null)
                {
                    var cursor = await CursorAsync(session, query, cancellationToken).ConfigureAwait(false);
                    where.Add("(at, id) < (@cursor, @id)", "@cursor", cursor.At.ToColumn()).With("@id", query.Before);
                }

                where.With("@limit", query.Limit);
                return await session
                    .QueryAsync(
                        $"SELECT * FROM audit_entries {where} ORDER BY at DESC, id DESC LIMIT @limit",
                        Read,
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
    }

    private static async Task<AuditEntry> CursorAsync(SqlSession session, AuditQuery query, CancellationToken cancellationToken)
    {
        var where = new SqlConditions().Add("id = @id", "@id", query.Before).AddAny("agent_id", "@of", query.Agents);
        return await session
            .SingleAsync($"SELECT * FROM audit_entries {where}", Read, cancellationToken, where.Parameters)
            .ConfigureAwait(false)
            ?? throw LightningException.NotFound($"Audit entry {query.Before}, named by 'before', not found.");
    }

    private static (string, SqlValue)[] RowOf(AuditEntry entry) =>
        [
            ("@id", entry.Id),
            ("@at", entry.At.ToColumn()),
            ("@agent", entry.AgentId),
            ("@actor", entry.Actor),
            ("@action", EnumText.Of(entry.Action)),
            ("@subject", entry.Subject),
            ("@outcome", EnumText.Of(entry.Outcome)),
            ("@detail", SqlValues.ToJsonColumn(entry.Detail)),
        ];

    private static AuditEntry Read(DbDataReader reader) =>
        new(
            reader.Text("id"),
            reader.Time("at"),
            reader.TextOrNull("agent_id"),
            reader.Text("actor"),
            EnumText.Parse<AuditAction>(reader.Text("action"), "action"),
            reader.Text("subject"),
            EnumText.Parse<AuditOutcome>(reader.Text("outcome"), "outcome"),
            reader.JsonOrNull<Dictionary<string, string>>("detail")
        );
}
