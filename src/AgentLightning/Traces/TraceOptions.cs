using AgentLightning.Common;

namespace AgentLightning.Traces;

/// <summary>Limits of what is taken in by OpenTelemetry, and when an episode is read out of it.</summary>
public sealed record TraceOptions
{
    /// <summary>How long a trace whose root has arrived must be quiet before its episode is read, 0…1 h; 2 s by default.</summary>
    public TimeSpan RootQuiet { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long a trace without a root must be quiet before its episode is read, 0…24 h; 30 s by default. At least <see cref="RootQuiet"/>.
    /// </summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A trace that is never quiet is read this long after its first span, 1 s…24 h; 10 min by default.</summary>
    public TimeSpan LongestOpen { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Spans that come up to this long after the first reading change the episode, 0…30 days; 1 h by default. Later ones are only kept.
    /// </summary>
    public TimeSpan LateWindow { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often due traces are looked for, 10 ms…1 min; 500 ms by default.</summary>
    public TimeSpan ReadInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Spans and log records of one trace that an episode is read out of, earliest first, 1…100,000; 5,000 by default.</summary>
    public int MostSpans { get; init; } = 5_000;

    /// <summary>Largest body after inflation, 1 KiB…1 GiB; 32 MiB by default. The body on the wire is limited by the server.</summary>
    public int LargestBody { get; init; } = 32 * 1024 * 1024;

    /// <summary>
    /// Bytes of spans that are kept in memory from their writing to the reading of their episode, 0…4 GiB; 32 MiB by default. What has no
    /// room is read back from the store.
    /// </summary>
    public long FreshBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Most spans of one transaction, 1…100,000; 4,096 by default. A request is never divided.</summary>
    public int GroupSize { get; init; } = 4_096;

    /// <summary>
    /// The agent of spans that name none, neither themselves nor by their <c>service.name</c>; <c>default</c> by default.
    /// </summary>
    public string DefaultAgent { get; init; } = "default";

    internal void Validate()
    {
        Check(nameof(RootQuiet), RootQuiet >= TimeSpan.Zero && RootQuiet <= TimeSpan.FromHours(1), "from 0 to 1 hour", RootQuiet);
        Check(nameof(Quiet), Quiet >= RootQuiet && Quiet <= TimeSpan.FromDays(1), $"from RootQuiet ({RootQuiet}) to 24 hours", Quiet);
        Check(
            nameof(LongestOpen),
            LongestOpen >= TimeSpan.FromSeconds(1) && LongestOpen <= TimeSpan.FromDays(1),
            "from 1 second to 24 hours",
            LongestOpen
        );
        Check(nameof(LateWindow), LateWindow >= TimeSpan.Zero && LateWindow <= TimeSpan.FromDays(30), "from 0 to 30 days", LateWindow);
        Check(
            nameof(ReadInterval),
            ReadInterval >= TimeSpan.FromMilliseconds(10) && ReadInterval <= TimeSpan.FromMinutes(1),
            "from 10 milliseconds to 1 minute",
            ReadInterval
        );
        Check(nameof(MostSpans), MostSpans is >= 1 and <= 100_000, "from 1 to 100000", MostSpans);
        Check(nameof(LargestBody), LargestBody is >= 1024 and <= 1024 * 1024 * 1024, "from 1 KiB to 1 GiB, in bytes", LargestBody);
        Check(nameof(FreshBytes), FreshBytes is >= 0 and <= 4L * 1024 * 1024 * 1024, "from 0 to 4 GiB, in bytes", FreshBytes);
        Check(nameof(GroupSize), GroupSize is >= 1 and <= 100_000, "from 1 to 100000", GroupSize);
        Ids.Check(DefaultAgent, $"{nameof(DefaultAgent)} of the traces");

        static void Check(string name, bool good, string range, object value)
        {
            if (!good)
            {
                throw LightningException.Invalid($"{name} of the traces must be {range}, but it is {value}.");
            }
        }
    }
}
