using System.Diagnostics.Metrics;

namespace AgentLightning.Common;

/// <summary>
/// What the product measures of itself, one for each set of services, so that two in one process are told apart by its instance.
/// </summary>
public sealed class LightningMeter : IDisposable
{
    /// <summary>The name that listeners look for.</summary>
    public const string Name = "AgentLightning";

    /// <summary>Seconds; from a fraction of a millisecond to what a person gives up at.</summary>
    public static readonly InstrumentAdvice<double> Durations = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    public LightningMeter() =>
        StoreWrites = Meter.CreateHistogram(
            "lightning.store.write.duration",
            "s",
            "Time from the beginning of a write to the store until it is on disk, waiting included.",
            tags: null,
            advice: Durations
        );

    public Meter Meter { get; } = new(Name);

    /// <summary>Seconds of each transaction that wrote.</summary>
    internal Histogram<double> StoreWrites { get; }

    public void Dispose() => Meter.Dispose();
}
