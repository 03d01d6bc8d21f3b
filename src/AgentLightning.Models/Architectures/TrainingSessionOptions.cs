namespace AgentLightning.Models.Architectures;

/// <summary>Memory against time; neither changes a result.</summary>
public sealed record TrainingSessionOptions
{
    /// <summary>
    /// Keeps only the residual stream between blocks and computes each block's activations again on the way back. Off by default.
    /// </summary>
    public bool Checkpointing { get; init; }

    /// <summary>
    /// Bytes that logits may take; beyond, they are made in chunks and again on the way back. 256 MiB by default, at least 1 MiB.
    /// </summary>
    public long LogitBytes { get; init; } = 256L << 20;

    internal void Validate()
    {
        if (LogitBytes < 1 << 20)
        {
            throw new ArgumentOutOfRangeException(
                nameof(LogitBytes),
                LogitBytes,
                $"Logits need at least {1 << 20} bytes, but {LogitBytes} are allowed."
            );
        }
    }
}
