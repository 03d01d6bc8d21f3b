using AgentLightning.Common;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Experiments;

/// <summary>
/// Writes down which sessions an experiment answered, once for each: at once into memory of a fixed size, and into the store a second
/// later, all together. What finds no room is counted and comes again with the session's next request.
/// </summary>
/// <remarks>Any thread may call. Whoever notes an exposure neither waits nor allocates.</remarks>
internal sealed partial class Exposures : IAsyncDisposable
{
    private const int Room = 8_192;
    private const int Known = 1 << 16;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly IExperimentStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>Sessions that were noted of late, each in the place that its hash names: what is not there is noted again.</summary>
    private readonly long[] _known = new long[Known];

    private Exposure[] _waiting = new Exposure[Room];
    private Exposure[] _spare = new Exposure[Room];
    private int _count;
    private long _dropped;

    public Exposures(IExperimentStore store, TimeProvider time, ILogger<Exposures> logger)
    {
        (_store, _time, _logger) = (store, time, logger);
        _timer = time.CreateTimer(_ => _ = FlushAsync(CancellationToken.None), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Exposures that found no room, so far.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <param name="mark">Tells the experiment and its phase from others; not 0.</param>
    public void Note(string experimentId, int phase, long mark, long session, string variant)
    {
        var value = session ^ mark;
        ref var known = ref _known[(int)((ulong)value >> 48) & (Known - 1)];
        if (Volatile.Read(ref known) == value)
        {
            return;
        }

        var now = _time.GetUtcNow();
        lock (_gate)
        {
            if (_count == Room)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }

            _waiting[_count++] = new Exposure(experimentId, phase, session, variant, now);
            if (_count == 1)
            {
                _timer.Change(s_pause, Timeout.InfiniteTimeSpan);
            }
        }

        Volatile.Write(ref known, value);
    }

    /// <summary>Writes what waits. A store that is away gets it later.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Exposure[] full;
            int count;
            lock (_gate)
            {
                (full, count) = (_waiting, _count);
                (_waiting, _spare, _count) = (_spare, _waiting, 0);
            }

            if (count == 0)
            {
                return;
            }

            try
            {
                await _store.AddExposuresAsync(new ArraySegment<Exposure>(full, 0, count), cancellationToken).ConfigureAwait(false);
            }
            catch (LightningException e)
            {
                Return(full, count);
                LogLate(_logger, count, e.Message);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        try
        {
            await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // The store ended first.
        }

        _one.Dispose();
    }

    private void Return(Exposure[] full, int count)
    {
        lock (_gate)
        {
            var room = Math.Min(count, Room - _count);
            Array.Copy(full, 0, _waiting, _count, room);
            _count += room;
            Interlocked.Add(ref _dropped, count - room);
            _timer.Change(s_pause, Timeout.InfiniteTimeSpan);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} exposures wait for the store: {Reason}")]
    private static partial void LogLate(ILogger logger, int count, string reason);
}
