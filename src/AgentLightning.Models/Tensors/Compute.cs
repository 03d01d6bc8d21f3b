using System.Diagnostics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// What a model computes with: threads and the memory of a step. Layers call the operations of this folder with it and see nothing else of the machine,
/// so a device with memory of its own is another set of these operations.
/// </summary>
/// <remarks>One step at a time. Several models can share one, one after the other.</remarks>
public sealed unsafe class Compute : IDisposable
{
    /// <param name="threads">Threads that compute, the caller's included; 0, the default, is one per processor.</param>
    public Compute(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Pool = new WorkerPool(threads == 0 ? Environment.ProcessorCount : threads);
    }

    /// <summary>Threads that compute.</summary>
    public int Threads => Pool.Threads;

    internal WorkerPool Pool { get; }

    /// <summary>Floating-point operations per second of the fastest of some products of 512 × 512 matrices: what work can be compared with. It takes some ten milliseconds.</summary>
    public double MeasurePeak()
    {
        const int Size = 512, Runs = 12;
        using var memory = new NativeBuffer(3L * Size * Size * sizeof(float));
        var a = (float*)memory.Data;
        var fastest = TimeSpan.MaxValue;
        for (var run = 0; run < Runs; run++)
        {
            var started = Stopwatch.GetTimestamp();
            Gemm.Forward(Pool, Size, a, Size, new PanelMatrix(a + (Size * Size), StoredType.F32, Size, Size), a + (2 * Size * Size), Size, null, 0);
            var elapsed = Stopwatch.GetElapsedTime(started);
            fastest = elapsed < fastest ? elapsed : fastest;
        }

        return 2.0 * Size * Size * Size / fastest.TotalSeconds;
    }

    /// <inheritdoc/>
    public void Dispose() => Pool.Dispose();
}
