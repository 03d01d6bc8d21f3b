namespace AgentLightning.Models.Tensors;

/// <summary>
/// What a model computes with: threads and the memory of a step. Layers call the operations of this folder with it and see nothing else of
/// the machine, so a device with memory of its own is another set of these operations.
/// </summary>
/// <remarks>One step at a time. Several models can share one, one after the other.</remarks>
public sealed class Compute : IDisposable
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

    /// <inheritdoc/>
    public void Dispose() => Pool.Dispose();
}
