using System.Buffers;

namespace AgentLightning.Server.Gateway;

/// <summary>
/// Arrays of bytes: large ones are lent, so that they are not made anew each time, and small ones are made. What one thread fills and
/// another lets go, as here, costs more to lend than to make.
/// </summary>
internal static class LentBytes
{
    private const int Large = 64 * 1024;

    /// <summary>At least so many bytes; what is in them is not said.</summary>
    public static byte[] Rent(int length) =>
        length >= Large ? ArrayPool<byte>.Shared.Rent(length) : GC.AllocateUninitializedArray<byte>(length);

    public static void Return(byte[] bytes)
    {
        // What the pool lends is as long as a power of two.
        if (bytes.Length >= Large)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
