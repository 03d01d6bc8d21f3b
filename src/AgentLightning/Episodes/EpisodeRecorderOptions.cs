using AgentLightning.Common;

namespace AgentLightning.Episodes;

/// <summary>Limits of the queue between the caller's thread and the store.</summary>
public sealed record EpisodeRecorderOptions
{
    /// <summary>Episodes that may wait, 1…1,000,000; 8,192 by default. Bounds the memory while the store is slow.</summary>
    public int Capacity { get; init; } = 8_192;

    /// <summary>Bytes of the episodes that may wait, about, 1 MiB…16 GiB; 64 MiB by default.</summary>
    public long CapacityBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Most episodes of one transaction, 1…10,000; 512 by default.</summary>
    public int GroupSize { get; init; } = 512;

    /// <summary>
    /// How long a caller waits for room in a full queue before its episode is dropped and counted, 0…60 s; 2 s by default.
    /// </summary>
    public TimeSpan FullWait { get; init; } = TimeSpan.FromSeconds(2);

    internal void Validate()
    {
        Check(nameof(Capacity), Capacity is >= 1 and <= 1_000_000, "from 1 to 1000000", Capacity);
        Check(
            nameof(CapacityBytes),
            CapacityBytes is >= 1024 * 1024 and <= 16L * 1024 * 1024 * 1024,
            "from 1 MiB to 16 GiB, in bytes",
            CapacityBytes
        );
        Check(nameof(GroupSize), GroupSize is >= 1 and <= 10_000, "from 1 to 10000", GroupSize);
        Check(nameof(FullWait), FullWait >= TimeSpan.Zero && FullWait <= TimeSpan.FromSeconds(60), "from 0 to 60 seconds", FullWait);

        static void Check(string name, bool good, string range, object value)
        {
            if (!good)
            {
                throw LightningException.Invalid($"{name} of the episode recorder must be {range}, but it is {value}.");
            }
        }
    }
}
