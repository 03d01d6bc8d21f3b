using System.Runtime.CompilerServices;

namespace AgentLightning.Models.Tensors;

/// <summary>Work that is cut into parts which may run in any order, on any thread.</summary>
internal unsafe interface IJob
{
    /// <param name="scratch">Memory of the thread, of the size that was asked for; not zeroed.</param>
    void Run(int part, float* scratch);
}

/// <summary>
/// Threads of our own that wait for small jobs, first spinning, then asleep: starting a job costs about a microsecond and allocates
/// nothing. The caller works too, so a pool of one thread has no thread.
/// </summary>
/// <remarks>One caller at a time. A job must not throw.</remarks>
internal sealed unsafe class WorkerPool : IDisposable
{
    private const int SpinsBeforeSleep = 2_000;
    private const int NoParts = int.MaxValue;
    private readonly NativeBuffer?[] _scratch;
    private readonly Thread[] _threads;
    private readonly object _wake = new();
    private void* _job;
    private delegate* <void*, int, float*, void> _run;
    private int _parts,
        _done,
        _sleepers;

    // Upper half: number of the job; lower half: its next part. One compare-and-swap claims a part of the job that was looked at, never of
    // a later one.
    private long _ticket;
    private volatile bool _stopping;

    /// <param name="threads">Threads that work, the caller's included; at least 1.</param>
    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _scratch = new NativeBuffer?[threads];
        _threads = new Thread[threads - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            var worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"tensor worker {worker}" };
            _threads[i].Start();
        }
    }

    public int Threads => _scratch.Length;

    /// <summary>Runs parts 0 to <paramref name="parts"/> − 1 and returns when all are done.</summary>
    public void Run<TJob>(TJob job, int parts, int scratchFloats = 0)
        where TJob : unmanaged, IJob
    {
        Reserve(scratchFloats * (long)sizeof(float));
        if (parts <= 1 || _threads.Length == 0)
        {
            for (var part = 0; part < parts; part++)
            {
                job.Run(part, ScratchOf(0));
            }

            return;
        }

        // Closed first: a worker that still looks at the ticket of the job before, and already at the parts of this one, must not be able
        // to claim any.
        var number = (_ticket >> 32) + 1;
        Interlocked.Exchange(ref _ticket, (number << 32) | NoParts);
        _job = &job;
        _run = &Invoke<TJob>;
        _parts = parts;
        _done = 0;
        Interlocked.Exchange(ref _ticket, (number + 1) << 32);
        if (Volatile.Read(ref _sleepers) > 0)
        {
            Wake();
        }

        RunParts(0);
        var spinner = new SpinWait();
        while (Volatile.Read(ref _done) < parts)
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    public void Dispose()
    {
        _stopping = true;
        Wake();
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        foreach (var buffer in _scratch)
        {
            buffer?.Dispose();
        }
    }

    private static void Invoke<TJob>(void* job, int part, float* scratch)
        where TJob : unmanaged, IJob => Unsafe.AsRef<TJob>(job).Run(part, scratch);

    private void Work(int worker)
    {
        var seen = 0L;
        while (!_stopping)
        {
            var idle = 0;
            while (Volatile.Read(ref _ticket) >> 32 == seen && !_stopping)
            {
                if (idle++ < SpinsBeforeSleep)
                {
                    Thread.SpinWait(8);
                    continue;
                }

                Sleep(seen);
                idle = 0;
            }

            seen = RunParts(worker);
        }
    }

    /// <summary>
    /// Sleeps unless a job came in the meantime: the caller looks for sleepers after it has published a job, so one of the two sees the
    /// other.
    /// </summary>
    private void Sleep(long seen)
    {
        lock (_wake)
        {
            Interlocked.Increment(ref _sleepers);
            while (Volatile.Read(ref _ticket) >> 32 == seen && !_stopping)
            {
                Monitor.Wait(_wake);
            }

            Interlocked.Decrement(ref _sleepers);
        }
    }

    private void Wake()
    {
        lock (_wake)
        {
            Monitor.PulseAll(_wake);
        }
    }

    private long RunParts(int worker)
    {
        while (true)
        {
            var ticket = Volatile.Read(ref _ticket);
            var part = (int)ticket;
            var (job, run, parts) = ((nint)_job, (nint)_run, Volatile.Read(ref _parts));
            if (part >= parts)
            {
                return ticket >> 32;
            }

            if (Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket) == ticket)
            {
                ((delegate* <void*, int, float*, void>)run)((void*)job, part, ScratchOf(worker));
                Interlocked.Increment(ref _done);
            }
        }
    }

    private float* ScratchOf(int worker) => _scratch[worker] is { } buffer ? (float*)buffer.Data : null;

    /// <summary>Between jobs, so no worker is using its memory.</summary>
    private void Reserve(long bytes)
    {
        for (var i = 0; i < _scratch.Length; i++)
        {
            if ((_scratch[i]?.Bytes ?? 0) < bytes)
            {
                _scratch[i]?.Dispose();
                _scratch[i] = new NativeBuffer(bytes);
            }
        }
    }
}
