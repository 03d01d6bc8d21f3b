using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Episodes;

/// <summary>
/// One bounded step of a deletion: picks the oldest of the selected episodes, and deletes them in one transaction. Rows that refer to them
/// go with them by the schema's own rules; the totals are lowered by what is deleted.
/// </summary>
internal sealed class EpisodeDeletion
{
    private const string WithPayload = " AND e.payload_removed = 0";
    private readonly SqlDatabase _database;
    private readonly SqlConditions _where;
    private readonly int _most;

    public EpisodeDeletion(SqlDatabase database, EpisodeSelection selection, int most)
    {
        if (most is < 1 or > 1_000)
        {
            throw LightningException.Invalid($"A step deletes from 1 to 1000 episodes, but {most} were asked for.");
        }

        if (selection.Ids?.Count > 1_000)
        {
            throw LightningException.Invalid(
                $"At most 1000 ids can be deleted at once, but {selection.Ids.Count} are given. Send them in parts."
            );
        }

        (_database, _most) = (database, most);
        _where = new SqlConditions()
            .Add("e.agent_id = @agent", "@agent", selection.AgentId)
            .Add("e.session_id = @session", "@session", selection.SessionId)
            .Add("e.user_id = @user", "@user", selection.UserId)
            .Add("e.created_at < @before", "@before", selection.OlderThan?.ToColumn())
            .AddAny("e.id", "@id", selection.Ids);
        if (_where.IsEmpty)
        {
            throw LightningException.Invalid("What to delete must be named: ids, a session, a user, an agent or an age.");
        }

        _where.AddAny("e.agent_id", "@of", selection.Agents);
    }

    public Task<int> DeleteAsync(CancellationToken cancellationToken) =>
        _database.FreeAsync(
            async session =>
            {
                var chosen = await ChooseAsync(session, "", Lock, cancellationToken).ConfigureAwait(false);
                if (chosen.Count == 0)
                {
                    return 0;
                }

                var totals = new DailyTotals();
                await EpisodeTotals.GatherAsync(totals, session, chosen, takeOff: true, cancellationToken).ConfigureAwait(false);
                var ids = new SqlConditions().AddAny("id", "@id", chosen);
                await session.ExecuteAsync($"DELETE FROM episodes {ids}", cancellationToken, ids.Parameters).ConfigureAwait(false);
                await totals.WriteAsync(_database, session, cancellationToken).ConfigureAwait(false);
                return chosen.Count;
            },
            cancellationToken
        );

    public Task<IReadOnlyList<string>> ChooseAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync<IReadOnlyList<string>>(
            async session => await ChooseAsync(session, "", "", cancellationToken).ConfigureAwait(false),
            cancellationToken
        );

    public Task<IReadOnlyList<string>> WithPayloadAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync<IReadOnlyList<string>>(
            async session => await ChooseAsync(session, WithPayload, "", cancellationToken).ConfigureAwait(false),
            cancellationToken
        );

    public Task<int> RemovePayloadsAsync(CancellationToken cancellationToken) =>
        _database.FreeAsync(
            async session =>
            {
                var chosen = await ChooseAsync(session, WithPayload, Lock, cancellationToken).ConfigureAwait(false);
                if (chosen.Count == 0)
                {
                    return 0;
                }

                var ids = new SqlConditions().AddAny("episode_id", "@id", chosen);
                await session.ExecuteAsync($"DELETE FROM episode_payloads {ids}", cancellationToken, ids.Parameters).ConfigureAwait(false);
                ids = new SqlConditions().AddAny("id", "@id", chosen);
                await session
                    .ExecuteAsync($"UPDATE episodes SET payload_removed = 1 {ids}", cancellationToken, ids.Parameters)
                    .ConfigureAwait(false);
                return chosen.Count;
            },
            cancellationToken
        );

    private string Lock => _database.ManyWriters ? " FOR UPDATE" : "";

    /// <summary>
    /// The oldest that are selected. Where others write at the same time they are locked, so that no two deletions take the same rows off
    /// the totals.
    /// </summary>
    private Task<List<string>> ChooseAsync(SqlSession session, string condition, string locking, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"SELECT e.id FROM episodes e {_where}{condition} ORDER BY e.created_at, e.id LIMIT {_most}{locking}",
            reader => reader.Text("id"),
            cancellationToken,
            _where.Parameters
        );
}
