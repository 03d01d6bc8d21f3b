namespace AgentLightning.Common;

/// <summary>How much of what comes in may be in memory at once, and how it is shared.</summary>
public sealed record ByteBudgetOptions
{
    /// <summary>Bytes of requests, of all doors together, 1 MiB…16 GiB; 128 MiB by default.</summary>
    public long Bytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>What one key, or one client address without a key, may hold of it, 1…100 percent; 50 by default.</summary>
    public int KeyPercent { get; init; } = 50;

    /// <summary>What one connection may hold of it, 1…100 percent; 40 by default.</summary>
    public int ConnectionPercent { get; init; } = 40;

    /// <summary>How long a request waits for room before it is told to come again, 0…60 s; 5 s by default.</summary>
    public TimeSpan FullWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most bytes of one key.</summary>
    public long OfKey => Bytes / 100 * KeyPercent;

    /// <summary>Most bytes of one connection.</summary>
    public long OfConnection => Math.Min(OfKey, Bytes / 100 * ConnectionPercent);

    internal void Validate()
    {
        Check(nameof(Bytes), Bytes is >= 1024 * 1024 and <= 16L * 1024 * 1024 * 1024, "from 1 MiB to 16 GiB, in bytes", Bytes);
        Check(nameof(KeyPercent), KeyPercent is >= 1 and <= 100, "from 1 to 100", KeyPercent);
        Check(nameof(ConnectionPercent), ConnectionPercent is >= 1 and <= 100, "from 1 to 100", ConnectionPercent);
        Check(nameof(FullWait), FullWait >= TimeSpan.Zero && FullWait <= TimeSpan.FromSeconds(60), "from 0 to 60 seconds", FullWait);

        static void Check(string name, bool good, string range, object value)
        {
            if (!good)
            {
                throw LightningException.Invalid($"{name} of the budget must be {range}, but it is {value}.");
            }
        }
    }
}
