using AgentLightning.Models.Architectures;
using AgentLightning.Models.Measurement;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Tokens per second of decoding with a cache of 256 tokens, at batches of 1 and 8, as a share of the lesser of two limits measured in the
/// same run: the peak of matrix products, and reading all weights and the cache once per step. And one prompt of 256 tokens answered 16
/// times, against 16 prompts.
/// </summary>
internal static class DecodeBenchmark
{
    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        using var compute = new Compute(2);
        var figures = new List<Figure>();
        foreach (var type in new[] { StoredType.F32, StoredType.BF16 })
        {
            // The shape of Qwen2.5-0.5B with a quarter of its layers: weights that no cache holds.
            using var model = Transformer.Allocate(
                new TransformerConfig
                {
                    Family = TransformerFamily.Qwen2,
                    VocabularySize = 32_000,
                    Width = 896,
                    Layers = 6,
                    Heads = 14,
                    KeyValueHeads = 2,
                    HeadWidth = 64,
                    InnerWidth = 4864,
                    MaxPositions = 512,
                    QueryKeyValueBias = true,
                    TiedEmbeddings = true,
                },
                type
            );
            foreach (var batch in new[] { 1, 8 })
            {
                var figure = ModelSpeed.Decoding(model, compute, batch, seconds: 4);
                figures.Add(
                    Figure.AtLeast(
                        "decode",
                        $"{model.ParameterCount / 1e6:F0}M {type}, {figure.Name}: {figure.Value:F0} {figure.Unit}; limit {figure.Limit}",
                        figure.Share!.Value,
                        "of limit",
                        0.7
                    )
                );
            }

            var group = ModelSpeed.Group(model, compute, 16, 16);
            figures.Add(Figure.AtLeast("decode", $"{model.ParameterCount / 1e6:F0}M {type}, {group.Name}", group.Value, group.Unit, 3));
        }

        return Task.FromResult<IReadOnlyList<Figure>>(figures);
    }
}
