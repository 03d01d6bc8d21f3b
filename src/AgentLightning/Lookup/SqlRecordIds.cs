using System.Text;
using AgentLightning.Storage;

namespace AgentLightning.Lookup;

/// <param name="table">Has a column <c>id</c>, its primary key.</param>
/// <param name="ofAgents">Whether it has a column <c>agent_id</c>.</param>
internal sealed class SqlRecordIds(SqlDatabase database, RecordKind kind, string table, bool ofAgents) : IRecordIds
{
    /// <summary>After all that begins with the same characters: ids are sorted by their bytes on both engines.</summary>
    private static readonly string s_last = new Rune(0x10FFFF).ToString();

    public RecordKind Kind => kind;

    public Task<IReadOnlyList<FoundId>> FindAsync(
        string begin,
        IReadOnlyList<string>? ends,
        IReadOnlyList<string>? agents,
        int most,
        CancellationToken cancellationToken
    )
    {
        if (agents is not null && !ofAgents)
        {
            return Task.FromResult<IReadOnlyList<FoundId>>([]);
        }

        var where = new SqlConditions()
            .Add("id >= @begin", "@begin", begin)
            .Add("id <= @last", "@last", begin + s_last)
            .AddAny("agent_id", "@of", agents);
        if (ends is not null)
        {
            var each = ends.Select((_, i) => $"(length(id) >= @least{i} AND substr(id, length(id) - @length{i} + 1) = @end{i})");
            where.Add($"({string.Join(" OR ", each)})", "@end0", ends[0]);
            for (var i = 0; i < ends.Count; i++)
            {
                // The databases count characters, and not the halves of those that have two.
                var length = ends[i].EnumerateRunes().Count();
                where.With($"@length{i}", length).With($"@least{i}", begin.EnumerateRunes().Count() + length);
                if (i > 0)
                {
                    where.With($"@end{i}", ends[i]);
                }
            }
        }

        where.With("@most", most);
        return database.LookAsync<IReadOnlyList<FoundId>>(
            async session =>
                await session
                    .QueryAsync(
                        $"SELECT id, {(ofAgents ? "agent_id" : "NULL AS agent_id")} FROM {table} {where} ORDER BY id LIMIT @most",
                        reader => new FoundId(reader.Text("id"), reader.TextOrNull("agent_id")),
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );
    }
}
