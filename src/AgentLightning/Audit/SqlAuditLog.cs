using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Audit;

internal sealed class SqlAuditLog(SqlDatabase database) : IAuditLog
{
    private const string InsertSql =
        """
        INSERT INTO audit_entries (id, at, agent_id, actor, action, subject, outcome, detail)
        VALUES (@id, @at, @agent, @actor, @action, @subject, @outcome, @detail) ON CONFLICT (id) DO NOTHING
        """;

    public Task AppendAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.ExecuteEachAsync(InsertSql, [.. entries.OrderBy(entry => entry.Id, StringComparer.Ordinal).Select(RowOf)], cancellationToken), cancellationToken);

    public Task<IReadOnlyList<AuditEntry>> ListAsync(AuditQuery query, CancellationToken cancellationToken)
    {
        if (query.Limit is < 1 or > 1_000)
        {
            throw LightningException.Invalid($"limit must be from 1 to 1000, but it is {query.Limit}.");
        }

        var (inAgents, agents) = SqlLists.In("agent_id", query.Agents);
        return database.ReadAsync<IReadOnlyList<AuditEntry>>(
            async session =>
            {
                var cursor = query.Before is null ? null : await CursorAsync(session, query.Before, inAgents, agents, cancellationToken).ConfigureAwait(false);
                return await session.QueryAsync(
                    $"""
                    SELECT * FROM audit_entries
                    WHERE (@action IS NULL OR action = @action) AND (@start IS NULL OR at >= @start) AND (@end IS NULL OR at < @end)
                      AND (@cursor IS NULL OR at < @cursor OR (at = @cursor AND id < @id)){inAgents}
                    ORDER BY at DESC, id DESC LIMIT @limit
                    """,
                    Read, cancellationToken,
                    [
                        ("@action", query.Action is { } action ? EnumText.Of(action) : null), ("@start", query.Start?.ToColumn()), ("@end", query.End?.ToColumn()),
                        ("@cursor", cursor?.At.ToColumn()), ("@id", query.Before), ("@limit", query.Limit), .. agents,
                    ]).ConfigureAwait(false);
            },
            cancellationToken);
    }

    private static async Task<AuditEntry> CursorAsync(SqlSession session, string id, string inAgents, (string, SqlValue)[] agents, CancellationToken cancellationToken) =>
        await session.SingleAsync($"SELECT * FROM audit_entries WHERE id = @id{inAgents}", Read, cancellationToken, [("@id", id), .. agents]).ConfigureAwait(false)
        ?? throw LightningException.NotFound($"Audit entry {id}, named by 'before', not found.");

    private static (string, SqlValue)[] RowOf(AuditEntry entry) =>
    [
        ("@id", entry.Id), ("@at", entry.At.ToColumn()), ("@agent", entry.AgentId), ("@actor", entry.Actor), ("@action", EnumText.Of(entry.Action)),
        ("@subject", entry.Subject), ("@outcome", EnumText.Of(entry.Outcome)), ("@detail", SqlValues.ToJsonColumn(entry.Detail)),
    ];

    private static AuditEntry Read(DbDataReader reader) => new(
        reader.Text("id"), reader.Time("at"), reader.TextOrNull("agent_id"), reader.Text("actor"), EnumText.Parse<AuditAction>(reader.Text("action"), "action"),
        reader.Text("subject"), EnumText.Parse<AuditOutcome>(reader.Text("outcome"), "outcome"), reader.JsonOrNull<Dictionary<string, string>>("detail"));
}
