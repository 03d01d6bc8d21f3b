namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>How the losses of tokens become one number.</summary>
public enum TokenAggregation
{
    /// <summary>Mean over sequences of the mean over their tokens: a token of a short sequence counts more ("grpo").</summary>
    SequenceMean,

    /// <summary>Mean over the tokens of each batch, and over batches ("bnpo").</summary>
    BatchMean,

    /// <summary>Sum over tokens / (sequences · most tokens of a sequence): length changes nothing ("dr_grpo").</summary>
    ConstantLength,

    /// <summary>Mean over all tokens of the update ("dapo").</summary>
    TokenMean,
}

internal static class TokenAggregations
{
    /// <summary>What the loss of each token of a sequence is multiplied by.</summary>
    public static double Weight(this TokenAggregation aggregation, int sequenceTokens, int batchTokens, UpdateSize whole) =>
        aggregation switch
        {
            TokenAggregation.SequenceMean => 1.0 / ((double)whole.Sequences * sequenceTokens),
            TokenAggregation.BatchMean => 1.0 / ((double)batchTokens * whole.Batches),
            TokenAggregation.ConstantLength => 1.0 / ((double)whole.Sequences * whole.MaxTokens),
            _ => 1.0 / whole.Tokens,
        };
}
