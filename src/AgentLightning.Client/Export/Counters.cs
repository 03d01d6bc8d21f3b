using System.Diagnostics.Metrics;

namespace AgentLightning.Client.Export;

/// <summary>Why a record was lost.</summary>
internal enum DropReason
{
    /// <summary>The queue was full, in records or bytes.</summary>
    QueueFull,

    /// <summary>It could not be redacted or written as JSON.</summary>
    Unwritable,

    /// <summary>The server will not take it.</summary>
    Refused,

    /// <summary>There was no room on the disk, or no disk to wait on.</summary>
    SpoolFull,

    /// <summary>The client was closed.</summary>
    Closed,
}

/// <summary>
/// Counts what becomes of records, for <see cref="LightningClient.Statistics"/> and as instruments of the meter
/// <c>AgentLightning.Client</c>.
/// </summary>
internal sealed class Counters : IDisposable
{
    private readonly Meter _meter = new("AgentLightning.Client");
    private readonly Counter<long> _capturedCounter,
        _sentCounter,
        _droppedCounter,
        _spooledCounter,
        _retriedCounter;
    private readonly long[] _dropped = new long[Enum.GetValues<DropReason>().Length];
    private long _captured,
        _sent,
        _spooled,
        _retried;

    public Counters(Func<long> queued, Func<long> spoolBytes)
    {
        _capturedCounter = _meter.CreateCounter<long>("lightning.client.captured", "{record}", "Records that were taken into the queue.");
        _sentCounter = _meter.CreateCounter<long>("lightning.client.sent", "{record}", "Records that the server has.");
        _droppedCounter = _meter.CreateCounter<long>("lightning.client.dropped", "{record}", "Records that were lost, by reason.");
        _spooledCounter = _meter.CreateCounter<long>(
            "lightning.client.spooled",
            "{record}",
            "Records that were written to disk because the server was away."
        );
        _retriedCounter = _meter.CreateCounter<long>("lightning.client.retried", "{request}", "Requests that were sent again.");
        _meter.CreateObservableGauge("lightning.client.queued", queued, "{record}", "Records that wait in memory.");
        _meter.CreateObservableGauge("lightning.client.spool", spoolBytes, "By", "Bytes that wait on disk.");
    }

    public long Captured => Interlocked.Read(ref _captured);

    public long Sent => Interlocked.Read(ref _sent);

    public long Spooled => Interlocked.Read(ref _spooled);

    public long Retried => Interlocked.Read(ref _retried);

    public long Dropped(DropReason reason) => Interlocked.Read(ref _dropped[(int)reason]);

    public void Capture() => Count(ref _captured, _capturedCounter, 1);

    public void Send(long records) => Count(ref _sent, _sentCounter, records);

    public void Spool(long records) => Count(ref _spooled, _spooledCounter, records);

    public void Retry() => Count(ref _retried, _retriedCounter, 1);

    public void Drop(DropReason reason, long records)
    {
        Interlocked.Add(ref _dropped[(int)reason], records);
        _droppedCounter.Add(
            records,
            new KeyValuePair<string, object?>("reason", Common.LightningJson.Options.PropertyNamingPolicy!.ConvertName(reason.ToString()))
        );
    }

    public void Dispose() => _meter.Dispose();

    private static void Count(ref long count, Counter<long> counter, long by)
    {
        Interlocked.Add(ref count, by);
        counter.Add(by);
    }
}
