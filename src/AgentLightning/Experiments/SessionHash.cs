using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Experiments;

/// <summary>
/// Which variant a session gets. It needs no memory and is the same on every server, and anybody can repeat it: h is the SHA-256 of the
/// UTF-8 text <c>EXPERIMENT:SESSION</c>; u_i is the i-th group of four bytes of h, as a little-endian number plus one half over 2^32; the
/// variant is the one with the least −ln(u_i)/share_i, the control being number 0.
/// </summary>
/// <remarks>
/// −ln(u)/s of independent u is least at i with the chance s_i (weighted rendezvous hashing). When shares change, only sessions move
/// whose new variant gained: a candidate that rises from 20 to 50 percent keeps every session that it had.
/// </remarks>
internal static class SessionHash
{
    /// <summary>Variants that one hash decides between.</summary>
    public const int Most = SHA256.HashSizeInBytes / 4;

    private const int StackBytes = 1_024;

    /// <summary>The variant of a session, and the first eight bytes of its hash. Allocates nothing.</summary>
    /// <param name="shares">At most <see cref="Most"/>.</param>
    public static (int Variant, long Session) Choose(string experimentId, string sessionId, ReadOnlySpan<double> shares)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(experimentId, sessionId, hash);
        var (best, least) = (0, double.PositiveInfinity);
        for (var i = 0; i < shares.Length; i++)
        {
            if (shares[i] > 0)
            {
                var u = (BinaryPrimitives.ReadUInt32LittleEndian(hash[(4 * i)..]) + 0.5) / 4_294_967_296.0;
                var score = -Math.Log(u) / shares[i];
                (best, least) = score < least ? (i, score) : (best, least);
            }
        }

        return (best, BinaryPrimitives.ReadInt64LittleEndian(hash));
    }

    private static void Hash(string experimentId, string sessionId, Span<byte> hash)
    {
        var most = Encoding.UTF8.GetMaxByteCount(experimentId.Length + sessionId.Length + 1);
        var rented = most <= StackBytes ? null : ArrayPool<byte>.Shared.Rent(most);
        var text = rented ?? stackalloc byte[StackBytes];
        var length = Encoding.UTF8.GetBytes(experimentId, text);
        text[length++] = (byte)':';
        length += Encoding.UTF8.GetBytes(sessionId, text[length..]);
        SHA256.HashData(text[..length], hash);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
