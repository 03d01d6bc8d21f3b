using AgentLightning.Access;

namespace AgentLightning.ModelServer;

/// <summary>Which model is served for training, and to whom.</summary>
public sealed record ModelServerOptions
{
    /// <summary>Where it listens unless told otherwise.</summary>
    public const string DefaultUrl = "http://127.0.0.1:4748";

    /// <summary>Folder of the model.</summary>
    public required string ModelFolder { get; init; }

    /// <summary>What clients call the model; null, the default, is the name of its folder.</summary>
    public string? ModelName { get; init; }

    /// <summary>Addresses to listen on. Others than loopback addresses need a key.</summary>
    public string Urls { get; init; } = DefaultUrl;

    /// <summary>The key that clients must show, at least 16 printable ASCII characters; null, the default, for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Lets clients train all weights, one model at a time, and not only adapters. Off by default.</summary>
    public bool AllWeights { get; init; }

    /// <summary>Threads that compute; 0, the default, is one per processor.</summary>
    public int Threads { get; init; }

    /// <summary>Where checkpoints are kept; null, the default, keeps them until the server ends.</summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>Largest body of a request in bytes, 1,024…1,073,741,824; 64 MiB by default.</summary>
    public long MaxBodyBytes { get; init; } = 64 << 20;

    /// <summary>Models in training at once, 1…1,000; 8 by default.</summary>
    public int MaxModels { get; init; } = 8;

    /// <summary>
    /// After so long without a sign of life, the models of a session make room for others, above 0; 10 minutes by default.
    /// </summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a request for a result waits for it, above 0; 30 seconds by default.</summary>
    public TimeSpan LongPoll { get; init; } = TimeSpan.FromSeconds(30);

    internal string Name => ModelName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(ModelFolder)));

    /// <summary>Everything that is wrong, each with the value seen.</summary>
    internal IEnumerable<string> Mistakes()
    {
        foreach (var mistake in ListenAddresses.Mistakes(Urls))
        {
            yield return mistake;
        }

        if (ApiKey is { } key && (key.Length < 16 || key.Any(c => c is < '!' or > '~')))
        {
            yield return $"The key must have at least 16 printable ASCII characters, without blanks; it has {key.Length} characters.";
        }

        if (ApiKey is null && !ListenAddresses.AreLoopback(Urls))
        {
            yield return $"--urls holds an address that others can reach, '{Urls}', and there is no key, so anybody could train here. "
                + $"Give one by --api-key-file, or listen on {DefaultUrl}.";
        }

        (bool Right, string Rule, object Seen)[] checks =
        [
            (Threads >= 0, "the threads must be 0 or more", Threads),
            (MaxBodyBytes is >= 1024 and <= 1 << 30, "the largest body must be 1,024 to 1,073,741,824 bytes", MaxBodyBytes),
            (MaxModels is >= 1 and <= 1000, "the models at once must be 1 to 1,000", MaxModels),
            (SessionTimeout > TimeSpan.Zero, "the timeout of sessions must be above 0", SessionTimeout),
            (LongPoll > TimeSpan.Zero, "the wait for a result must be above 0", LongPoll),
        ];
        foreach (var (_, rule, seen) in checks.Where(check => !check.Right))
        {
            yield return FormattableString.Invariant($"{char.ToUpperInvariant(rule[0])}{rule[1..]}, but it is {seen}.");
        }
    }
}
