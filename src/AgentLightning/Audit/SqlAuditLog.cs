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

    private static readonly PageOrder s_order = new("audit_entries", "at", "Audit entry");

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
        Page.CheckLimit(query.Limit);
        return database.ReadAsync<IReadOnlyList<AuditEntry>>(
            async session =>
            {
                var where = new SqlConditions()
                    .AddAny("agent_id", "@of", query.Agents)
                    .Add("action = @action", "@action", query.Action is { } action ? EnumText.Of(action) : null)
                    .Add("at >= @start", "@start", query.Start?.ToColumn())
                    .Add("at < @end", "@end", query.End?.ToColumn());
                await s_order.AfterAsync(where, session, query.Before, query.Limit, query.Agents, cancellationToken).ConfigureAwait(false);
                return await session
                    .QueryAsync($"SELECT * FROM audit_entries {where} {s_order.Sql}", Read, cancellationToken, where.Parameters)
                    .ConfigureAwait(false);
            },
            cancellationToken
        );
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
