using System.Runtime.Intrinsics;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Measurement;

/// <summary>
/// What the machine can do at best, with the threads of a <see cref="Compute"/>: one matrix product at its peak, and reading memory that no
/// cache holds.
/// </summary>
internal sealed unsafe class Machine(Compute compute) : IDisposable
{
    private const int Size = 1024,
        ReadParts = 64;
    private const long Memory = 256L << 20;
    private readonly NativeBuffer _matrices = new(3L * Size * Size * sizeof(float));
    private NativeBuffer? _memory;

    /// <summary>Operations of <see cref="Multiply"/>.</summary>
    public const double Flops = 2.0 * Size * Size * Size;

    /// <summary>Bytes of <see cref="Read"/>.</summary>
    public const double Bytes = Memory;

    public void Multiply()
    {
        var a = (float*)_matrices.Data;
        Gemm.Forward(
            compute.Pool,
            Size,
            a,
            Size,
            new PanelMatrix(a + (Size * Size), StoredType.F32, Size, Size),
            a + (2 * Size * Size),
            Size,
            null,
            0
        );
    }

    public void Read()
    {
        _memory ??= new NativeBuffer(Memory);
        compute.Pool.Run(new ReadJob((byte*)_memory.Data, Memory), ReadParts);
    }

    public void Dispose()
    {
        _matrices.Dispose();
        _memory?.Dispose();
    }

    private readonly struct ReadJob(byte* memory, long bytes) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var sum = Vector512<float>.Zero;
            var share = bytes / ReadParts / 256 * 256;
            var to = (float*)(memory + (share * (part + 1)));
            for (var from = (float*)(memory + (share * part)); from < to; from += 64)
            {
                sum += Vector512.Load(from) + Vector512.Load(from + 16) + Vector512.Load(from + 32) + Vector512.Load(from + 48);
            }

            if (Vector512.Sum(sum) == 1)
            {
                throw new InvalidOperationException("The memory that is read is zero.");
            }
        }
    }
}
