using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Tests;

public sealed class AdapterSumTests
{
    [Theory]
    [InlineData(TransformerFamily.Llama)]
    [InlineData(TransformerFamily.Gpt2)]
    public void The_sum_of_two_adapters_changes_every_weight_as_both_do_one_after_the_other(TransformerFamily family)
    {
        using var one = TinyModels.Create(family, tied: true);
        using var other = TinyModels.Create(family, tied: true);
        string[] some = family == TransformerFamily.Gpt2 ? ["c_fc"] : ["q_proj"];
        using var first = Filled(one, new AdapterOptions { Rank = 2, Alpha = 3 }, 1);
        using var second = Filled(
            one,
            new AdapterOptions
            {
                Rank = 4,
                Alpha = 8,
                RankStabilized = true,
                Targets = some,
            },
            2
        );
        using var sum = AdapterSum.Of(other, first, second);

        first.Merge();
        second.Merge();
        sum.Merge();

        Assert.Equal((6, 1f), (sum.Options.Rank, sum.Options.Scale));
        foreach (var (expected, actual) in one.Parameters.Zip(other.Parameters))
        {
            var (a, b) = (Values(expected), Values(actual));
            Assert.All(a.Zip(b), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    private static Adapter Filled(Transformer model, AdapterOptions options, int seed)
    {
        var adapter = Adapter.Create(model, options, seed);
        foreach (var (parameter, i) in adapter.Parameters.Select((parameter, i) => (parameter, i)))
        {
            parameter.Write(0, [.. Enumerable.Range(0, (int)parameter.Count).Select(j => MathF.Sin((seed * 5) + (i * 11) + (3 * j)))]);
        }

        return adapter;
    }

    private static float[] Values(Parameter parameter)
    {
        var values = new float[parameter.Count];
        parameter.Read(0, values);
        return values;
    }
}
