using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Loops;

/// <summary>What a way of learning holds in memory beside the weights as they are stored.</summary>
/// <param name="Rank">Of the adapter that learns; 0 when the whole model does.</param>
/// <param name="TokensAtOnce">Most tokens computed at once.</param>
/// <param name="Sequence">Tokens of what is computed as a whole: an example, or a pair.</param>
/// <param name="Drawn">Answers that are drawn together, for learning from fresh answers; 0 otherwise.</param>
/// <param name="HasReference">Whether a second copy of the model is kept, not to be left behind.</param>
/// <param name="Checkpointing">Whether activations are computed again on the way back.</param>
public sealed record LearningShape(int Rank, int TokensAtOnce, int Sequence, int Drawn, bool HasReference, bool Checkpointing);

/// <summary>Predicts what learning takes from the shape of a model, before anything of it is read.</summary>
public static class LearningEstimate
{
    /// <summary>
    /// Bytes: the weights (as stored, or as singles where they learn), for each number that learns its gradient and both moments of AdamW,
    /// the activations of the largest pack, and the keys and values of what is drawn together.
    /// </summary>
    /// <param name="storedBytes">Bytes of the weights as they will be kept.</param>
    public static double Bytes(TransformerConfig config, double storedBytes, LearningShape shape)
    {
        var numbers = config.MatrixNumbers();
        var learned = shape.Rank == 0 ? numbers : shape.Rank * AdapterNumbersPerRank(config);
        var own = shape.Rank == 0 ? 0 : sizeof(float) * learned;
        var weights = shape.Rank == 0 ? Math.Max(storedBytes, sizeof(float) * numbers) : storedBytes;
        var steps = TrainingSession.EstimateBytes(
            config,
            Math.Max(shape.TokensAtOnce, shape.Sequence),
            new TrainingSessionOptions { Checkpointing = shape.Checkpointing }
        );
        var width = (config.HeadWidth + 31) / 32 * 32;
        var cache = 2.0 * sizeof(float) * shape.Drawn * shape.Sequence * config.Layers * config.KeyValueHeads * width;
        return weights + (shape.HasReference ? sizeof(float) * numbers : 0) + own + (3.0 * sizeof(float) * learned) + steps + cache;
    }

    /// <summary>Σ (inputs + outputs) over the linear layers of the blocks.</summary>
    private static double AdapterNumbersPerRank(TransformerConfig config)
    {
        double width = config.Width,
            inner = config.InnerWidth,
            queries = config.Heads * config.HeadWidth,
            keys = config.KeyValueHeads * config.HeadWidth;
        var block = config.IsGpt2
            ? (4 * width) + (2 * width) + (2 * (width + inner))
            : (width + queries) + (2 * (width + keys)) + (queries + width) + (3 * (width + inner));
        return config.Layers * block;
    }
}
