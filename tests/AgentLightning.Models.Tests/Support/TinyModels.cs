using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>Random models of a few thousand numbers whose weights are large enough to matter.</summary>
internal static class TinyModels
{
    public static TransformerConfig Config(TransformerFamily family, bool tied) =>
        new()
        {
            Family = family,
            VocabularySize = 41,
            Width = 24,
            Layers = 2,
            Heads = 4,
            KeyValueHeads = family == TransformerFamily.Gpt2 ? 4 : 2,
            HeadWidth = family == TransformerFamily.Qwen3 ? 10 : 6,
            InnerWidth = 37,
            MaxPositions = 256,
            QueryKeyValueBias = family is TransformerFamily.Gpt2 or TransformerFamily.Qwen2,
            AttentionOutputBias = family == TransformerFamily.Gpt2,
            FeedForwardBias = family == TransformerFamily.Gpt2,
            TiedEmbeddings = tied,
        };

    public static Transformer Create(TransformerFamily family, bool tied)
    {
        var model = Transformer.Create(Config(family, tied), 7);
        var random = new SeededRandom(8);
        foreach (var parameter in model.Parameters)
        {
            Fill(parameter, random, parameter.IsVector && parameter.Name.Contains("norm", StringComparison.Ordinal) ? 1 : 0, 0.25f);
        }

        return model;
    }

    /// <summary>Hooks an adapter on every linear layer. Returns their parameters, which the caller disposes.</summary>
    public static List<Parameter> AddAdapters(Transformer model, int rank, bool zeroB = false)
    {
        var parameters = new List<Parameter>();
        var random = new SeededRandom(9);
        foreach (var linear in model.Linears)
        {
            Parameter a = new($"{linear.Name}.lora_A.weight", rank, linear.Weight.Inputs, StoredType.F32),
                b = new($"{linear.Name}.lora_B.weight", linear.Outputs, rank, StoredType.F32);
            Fill(a, random, 0, 0.3f);
            Fill(b, random, 0, zeroB ? 0 : 0.3f);
            a.Train(true);
            b.Train(true);
            parameters.AddRange([a, b]);
            linear.Adapter = new LowRankAdapter(a, b, 0.5f);
        }

        return parameters;
    }

    private static void Fill(Parameter parameter, SeededRandom random, float mean, float deviation)
    {
        var values = new float[parameter.Count];
        foreach (ref var value in values.AsSpan())
        {
            value = mean + (deviation * random.NextNormal());
        }

        parameter.Write(0, values);
    }
}
