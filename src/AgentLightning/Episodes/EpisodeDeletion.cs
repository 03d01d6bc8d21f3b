using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Episodes;

/// <summary>
/// One bounded step of a deletion: picks the oldest of the selected episodes, and deletes them in one transaction. Rows that refer to them go with them by the
/// schema's own rules; the totals are lowered by what is deleted.
/// </summary>
internal sealed class EpisodeDeletion
{
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
            throw LightningException.Invalid($"At most 1000 ids can be deleted at once, but {selection.Ids.Count} are given. Send them in parts.");
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
    }

    public Task<int> DeleteAsync(CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            var chosen = await session.QueryAsync(
                $"SELECT e.id, e.agent_id, e.created_at, e.model, e.intent, e.persona, e.status FROM episodes e {_where} ORDER BY e.created_at, e.id LIMIT {_most}{Locking}", Read,
                cancellationToken, _where.Parameters).ConfigureAwait(false);
            if (chosen.Count == 0)
            {
                return 0;
            }

            var totals = new DailyTotals();
            foreach (var (_, key, succeeded) in chosen)
            {
                totals.Add(key, -TotalDelta.OfEpisode(succeeded));
            }

            var ids = new SqlConditions().AddAny("e.id", "@id", [.. chosen.Select(row => row.Id)]);
            var rewards = await session.QueryAsync(
                $"SELECT r.agent_id, e.created_at, e.model, e.intent, e.persona, r.value FROM rewards r JOIN episodes e ON e.id = r.episode_id {ids} AND r.is_current = 1",
                reader => (Key: KeyOf(reader), Value: reader.Number("value")), cancellationToken, ids.Parameters).ConfigureAwait(false);
            foreach (var (key, value) in rewards)
            {
                totals.Add(key, -TotalDelta.OfReward(value));
            }

            ids = new SqlConditions().AddAny("id", "@id", [.. chosen.Select(row => row.Id)]);
            await session.ExecuteAsync($"DELETE FROM episodes {ids}", cancellationToken, ids.Parameters).ConfigureAwait(false);
            await totals.WriteAsync(_database, session, cancellationToken).ConfigureAwait(false);
            return chosen.Count;
        },
        cancellationToken);

    public Task<int> RemovePayloadsAsync(CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            var chosen = await session.QueryAsync(
                $"SELECT e.id FROM episodes e {_where} AND e.payload_removed = 0 ORDER BY e.created_at, e.id LIMIT {_most}{Locking}", reader => reader.Text("id"),
                cancellationToken, _where.Parameters).ConfigureAwait(false);
            if (chosen.Count == 0)
            {
                return 0;
            }

            var ids = new SqlConditions().AddAny("episode_id", "@id", chosen);
            await session.ExecuteAsync($"DELETE FROM episode_payloads {ids}", cancellationToken, ids.Parameters).ConfigureAwait(false);
            ids = new SqlConditions().AddAny("id", "@id", chosen);
            await session.ExecuteAsync($"UPDATE episodes SET payload_removed = 1 {ids}", cancellationToken, ids.Parameters).ConfigureAwait(false);
            return chosen.Count;
        },
        cancellationToken);

    /// <summary>Two deletions at once must not take the same rows off the totals twice.</summary>
    private string Locking => _database.ManyWriters ? " FOR UPDATE" : "";

    private static (string Id, TotalKey Key, bool Succeeded) Read(DbDataReader reader) => (reader.Text("id"), KeyOf(reader), reader.Text("status") == EnumText.Of(EpisodeStatus.Succeeded));

    private static TotalKey KeyOf(DbDataReader reader) =>
        TotalKey.Of(reader.Text("agent_id"), reader.Integer("created_at"), reader.TextOrNull("model"), reader.TextOrNull("intent"), reader.TextOrNull("persona"));
}
