using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>
/// The place in a list, newest first, after which a page begins: the values by which the list is ordered. It needs no row, so that a page
/// follows the one before also when that one's last row was deleted meanwhile.
/// </summary>
/// <param name="At">Microseconds since 1970.</param>
/// <param name="Id">Of the last row; it orders rows of one moment.</param>
/// <param name="Rank">Orders rows of one moment before the id does; 0 in most lists.</param>
public readonly record struct PageCursor(long At, string Id, long Rank = 0)
{
    private const int BytesBeforeId = 2 * sizeof(long);

    /// <summary>No id of ours begins with it.</summary>
    private const string Mark = "~";

    public static PageCursor Of(DateTimeOffset at, string id, long rank = 0) => new(at.ToColumn(), id, rank);

    /// <summary>Reads what <see cref="ToString"/> wrote; null for a text that is none, which then is the id of a row.</summary>
    public static PageCursor? Read(string text)
    {
        if (!text.StartsWith(Mark, StringComparison.Ordinal) || !Base64Url.IsValid(text.AsSpan(Mark.Length)))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(text.AsSpan(Mark.Length));
        return bytes.Length <= BytesBeforeId
            ? null
            : new PageCursor(
                BinaryPrimitives.ReadInt64BigEndian(bytes),
                Encoding.UTF8.GetString(bytes.AsSpan(BytesBeforeId)),
                BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(sizeof(long)))
            );
    }

    /// <summary>The opaque text that a caller sends back; letters, digits and <c>~ - _</c>.</summary>
    public override string ToString()
    {
        var bytes = new byte[BytesBeforeId + Encoding.UTF8.GetByteCount(Id)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, At);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(sizeof(long)), Rank);
        Encoding.UTF8.GetBytes(Id, bytes.AsSpan(BytesBeforeId));
        return Mark + Base64Url.EncodeToString(bytes);
    }
}

/// <summary>What all pages of lists have in common.</summary>
public static class Page
{
    public const int Most = 1_000;

    /// <summary>
    /// Where the page after this one begins, for <c>before</c>; null when this one is not full, and so the last.
    /// </summary>
    public static string? Next<T>(IReadOnlyList<T> page, int limit, Func<T, PageCursor> place) =>
        page.Count < limit ? null : place(page[^1]).ToString();

    internal static void CheckLimit(int limit)
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
/// <param name="Rank">The column that orders rows of one moment before the id does; null when there is none.</param>
internal sealed record PageOrder(string Table, string Time, string What, string Alias = "", string? Rank = null)
{
    /// <summary>What a query ends in.</summary>
    public string Sql =>
        $"ORDER BY {Alias}{Time} DESC, {(Rank is null ? "" : $"{Alias}{Rank} DESC, ")}{Alias}id DESC LIMIT @limit";

    /// <summary>
    /// Adds what comes after <paramref name="before"/>: a cursor, or the id of a row that is still there and, where
    /// <paramref name="agents"/> are given, of one of these.
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
            var place = PageCursor.Read(before) ?? await FindAsync(session, before, agents, cancellationToken).ConfigureAwait(false);
            var after =
                Rank is null
                    ? $"({Alias}{Time}, {Alias}id) < (@after_at, @after_id)"
                    : $"({Alias}{Time}, {Alias}{Rank}, {Alias}id) < (@after_at, @after_rank, @after_id)";
            where.Add(after, "@after_at", place.At).With("@after_rank", place.Rank).With("@after_id", place.Id);
        }

        return where.With("@limit", limit);
    }

    private async Task<PageCursor> FindAsync(
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
                reader => new PageCursor(reader.Integer("place"), id, reader.Integer("place_rank")),
                cancellationToken,
                where.Parameters
            )
            .ConfigureAwait(false);
        return places.Count > 0
            ? places[0]
            : throw LightningException.NotFound(
                $"{What} {id}, named by 'before', not found. Give the 'next' of the page before, which stays good when rows are deleted."
            );
    }
}
