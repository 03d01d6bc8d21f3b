using System.Runtime.InteropServices;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// A block of memory outside the managed heap, aligned to a cache line, of any size, with a cache line behind its end that may be read.
/// </summary>
internal sealed unsafe class NativeBuffer : SafeHandle
{
    private const int Alignment = 64;

    /// <param name="zeroed">Memory that is not zeroed is not touched either, so it costs nothing until it is used.</param>
    public NativeBuffer(long bytes, bool zeroed = true)
        : base(0, ownsHandle: true)
    {
        Bytes = bytes;
        var huge = bytes >= 2 * HugePages.Size;
        SetHandle((nint)NativeMemory.AlignedAlloc((nuint)bytes + Alignment, huge ? HugePages.Size : Alignment));
        if (huge)
        {
            HugePages.Advise(Data, bytes);
        }

        if (zeroed)
        {
            NativeMemory.Clear(Data, (nuint)bytes);
        }
    }

    public long Bytes { get; }

    public void* Data => (void*)handle;

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree(Data);
        return true;
    }
}
