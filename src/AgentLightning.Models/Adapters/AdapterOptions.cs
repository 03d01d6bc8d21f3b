namespace AgentLightning.Models.Adapters;

/// <summary>The shape of a low-rank adapter (LoRA) and how it begins.</summary>
public sealed record AdapterOptions
{
    /// <summary>Rank, 1 to 4,096; 16 by default. vLLM serves 1, 8, 16, 32, 64, 128, 256, 320 and 512.</summary>
    public int Rank { get; init; } = 16;

    /// <summary>α, greater than 0: the change counts α / rank, or α / √rank. 32 by default.</summary>
    public float Alpha { get; init; } = 32;

    /// <summary>Divides by √rank (rsLoRA). Off by default.</summary>
    public bool RankStabilized { get; init; }

    /// <summary>
    /// Last parts of the names of the layers that get one, such as <c>q_proj</c>, or longer ends of them; null, the default, is all linear
    /// layers of the blocks.
    /// </summary>
    public IReadOnlyList<string>? Targets { get; init; }

    /// <summary>What is multiplied into the change: α / rank, or α / √rank.</summary>
    public float Scale => Alpha / (RankStabilized ? MathF.Sqrt(Rank) : Rank);

    internal void Validate()
    {
        if (Rank is < 1 or > 4096 || Alpha is not (> 0 and < float.PositiveInfinity))
        {
            throw new ArgumentException(
                string.Create(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"The rank of an adapter must be 1 to 4096 and its alpha greater than 0, but they are {Rank} and {Alpha}."
                )
            );
        }
    }
}
