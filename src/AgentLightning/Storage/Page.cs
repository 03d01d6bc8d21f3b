using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>What all pages of lists have in common.</summary>
internal static class Page
{
    public const int Most = 1_000;

    public static void CheckLimit(int limit)
    {
        if (limit is < 1 or > Most)
        {
            throw LightningException.Invalid($"limit must be from 1 to {Most}, but it is {limit}.");
        }
    }
}

/// <summary>How a table is listed: newest first, by a time and the id.</summary>
/// <param name="Table">The table, whose columns <c>id</c> and <c>agent_id</c> it has.</param>
/// <param name="Time">The column of the time.</param>
/// <param name="What">A row of it as messages name one, for example <c>Episode</c>.</param>
/// <param name="Alias">What a query calls the table, with its dot; empty when it has no other name.</param>
/// <param name="Rank">The column that orders rows of one moment before the id does; null when there is none. A cursor then holds it before
/// the id, and a blank between.</param>
internal sealed record PageOrder(string Table, string Time, string What, string Alias = "", string? Rank = null)
{
    /// <summary>What a query ends in.</summary>
    public string Sql => $"ORDER BY {Alias}{Time} DESC, {(Rank is null ? "" : $"{Alias}{Rank} DESC, ")}{Alias}id DESC LIMIT @limit";

    /// <summary>
    /// Adds what comes after <paramref name="before"/>: a cursor, which stays good when its row is deleted, or the id of a row that is
    /// there and, where <paramref name="agents"/> are given, of one of these.
    /// </summary>
    /// <param name="agents">Null for all.</param>
    public async Task<SqlConditions> AfterAsync(
        SqlConditions where,
        SqlSession session,
        string? before,
        int limit,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    )
    {
        if (before is not null)
        {
            var place = Read(before) ?? await FindAsync(session, before, agents, cancellationToken).ConfigureAwait(false);
            var after = Rank is null
                ? $"({Alias}{Time}, {Alias}id) < (@after_at, @after_id)"
                : $"({Alias}{Time}, {Alias}{Rank}, {Alias}id) < (@after_at, @after_rank, @after_id)";
            where.Add(after, "@after_at", place.At).With("@after_rank", place.Rank).With("@after_id", place.Id);
        }

        return where.With("@limit", limit);
    }

    private (long At, long Rank, string Id)? Read(string before)
    {
        if (PageCursor.TryParse(before) is not { } cursor)
        {
            return null;
        }

        if (Rank is null)
        {
            return (cursor.At, 0, cursor.Id);
        }

        var blank = cursor.Id.IndexOf(' ', StringComparison.Ordinal);
        return blank > 0 && long.TryParse(cursor.Id.AsSpan(0, blank), NumberStyles.None, CultureInfo.InvariantCulture, out var rank)
            ? (cursor.At, rank, cursor.Id[(blank + 1)..])
            : null;
    }

    private async Task<(long At, long Rank, string Id)> FindAsync(
        SqlSession session,
        string id,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    )
    {
        var where = new SqlConditions().Add("id = @id", "@id", id).AddAny("agent_id", "@of", agents);
        var places = await session
            .QueryAsync(
                $"SELECT {Time} AS place, {Rank ?? "0"} AS place_rank FROM {Table} {where}",
                reader => (reader.Integer("place"), reader.Integer("place_rank"), id),
                cancellationToken,
                where.Parameters
            )
            .ConfigureAwait(false);
        return places.Count > 0 ? places[0] : throw LightningException.NotFound($"{What} {id}, named by 'before', not found.");
    }
}
