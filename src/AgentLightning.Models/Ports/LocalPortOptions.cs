namespace AgentLightning.Models.Ports;

/// <summary>How a model in this process is trained and sampled from.</summary>
public sealed record LocalPortOptions
{
    /// <summary>Temperature at which log-probabilities are computed, greater than 0; 1 by default.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Most tokens learned from at once, one sequence at least; 4,096 by default. Sums differ by rounding only.</summary>
    public int TokensAtOnce { get; init; } = 4096;

    /// <summary>Computes activations again on the way back instead of keeping them. Off by default; results are the same.</summary>
    public bool Checkpointing { get; init; }

    /// <summary>
    /// Computes the tokens that sequences with one prompt have in common once. On by default; sums differ by rounding only.
    /// </summary>
    public bool SharePrompts { get; init; } = true;

    /// <summary>Completions decoded together, at least 1; 256 by default. It changes no token.</summary>
    public int CompletionsAtOnce { get; init; } = 256;

    /// <summary>Whether the model also learns what reward to expect. Off by default.</summary>
    public bool HasValues { get; init; }

    /// <summary>Where <see cref="IModelPort.SaveAsync"/> keeps what it saves; null, the default, for nowhere.</summary>
    public string? Folder { get; init; }
}
