using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Common;

/// <summary>
/// Where a page of a list ended: the time and the id that the list is sorted by. It holds them itself, and so the next page is found also
/// when the row that the last page ended with is deleted.
/// </summary>
/// <param name="At">Microseconds since 1970 UTC.</param>
public readonly record struct PageCursor(long At, string Id)
{
    private const int CheckBytes = 4;
    private const int TimeBytes = 8;

    /// <summary>
    /// The place after a record, as text that goes into a URL as it is: <c>next</c> of a page, and <c>before</c> of the next.
    /// </summary>
    public static string After(DateTimeOffset createdAt, string id) =>
        new PageCursor((createdAt.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond, id).ToString();

    /// <summary>
    /// What <see cref="After"/> made, or null for another text, which then is the id of a record: a checksum tells the two apart.
    /// </summary>
    public static PageCursor? TryParse(string? text)
    {
        if (text is null || !Base64Url.IsValid(text) || Base64Url.DecodeFromChars(text) is not { Length: > CheckBytes + TimeBytes } bytes)
        {
            return null;
        }

        return Check(bytes.AsSpan(CheckBytes)).AsSpan().SequenceEqual(bytes.AsSpan(0, CheckBytes))
            ? new PageCursor(
                BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(CheckBytes)),
                Encoding.UTF8.GetString(bytes.AsSpan(CheckBytes + TimeBytes))
            )
            : null;
    }

    /// <inheritdoc cref="After"/>
    public override string ToString()
    {
        var bytes = new byte[CheckBytes + TimeBytes + Encoding.UTF8.GetByteCount(Id)];
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(CheckBytes), At);
        Encoding.UTF8.GetBytes(Id, bytes.AsSpan(CheckBytes + TimeBytes));
        Check(bytes.AsSpan(CheckBytes)).CopyTo(bytes, 0);
        return Base64Url.EncodeToString(bytes);
    }

    private static byte[] Check(ReadOnlySpan<byte> content) => SHA256.HashData(content)[..CheckBytes];
}

/// <summary>One page of a list, newest first.</summary>
/// <param name="Next">Give it as <c>before</c> for the page that follows; null on the last.</param>
public sealed record ListPage<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>Makes pages of lists.</summary>
public static class ListPage
{
    /// <summary>A page that is as long as was asked for may be followed by another.</summary>
    public static ListPage<T> Of<T>(IReadOnlyList<T> items, int limit, Func<T, string> after) =>
        new(items, items.Count == limit && limit > 0 ? after(items[^1]) : null);
}
