using System.Runtime.InteropServices;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// Asks Linux for pages of 2 MiB. Weights are read from end to end at every token, and finding the addresses of small pages takes a tenth
/// to a fifth of that time. It is advice: where it cannot be given or is not taken, everything works as well.
/// </summary>
internal static unsafe class HugePages
{
    public const uint Size = 2 << 20;
    private const int Advice = 14;
    private static readonly delegate* unmanaged<void*, nuint, int, int> s_madvise = Find();

    /// <param name="address">A multiple of <see cref="Size"/>.</param>
    /// <param name="bytes">Only whole pages of it, so that no memory is added.</param>
    public static void Advise(void* address, long bytes)
    {
        if (s_madvise is not null)
        {
            _ = s_madvise(address, (nuint)bytes / Size * Size, Advice);
        }
    }

    private static delegate* unmanaged<void*, nuint, int, int> Find() =>
        OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "madvise", out var address)
            ? (delegate* unmanaged<void*, nuint, int, int>)address
            : null;
}
