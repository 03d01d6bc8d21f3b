using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Adapters;

/// <summary>Two changes of one model as one.</summary>
public static class AdapterSum
{
    private const string FirstFactor = "lora_A.weight";

    /// <summary>
    /// The adapter that changes a model as both do together: A is the rows of both, B the columns of both, each times its scale, so that
    /// the ranks add up and the scale is 1. Layers that only one changes have zeros for the other. It is neither attached nor trained.
    /// </summary>
    /// <exception cref="ArgumentException">The rank would be more than 4,096.</exception>
    public static Adapter Of(Transformer model, Adapter first, Adapter second)
    {
        var rank = first.Options.Rank + second.Options.Rank;
        var sum = Adapter.Allocate(
            model,
            new AdapterOptions
            {
                Rank = rank,
                Alpha = rank,
                Targets =
                    first.Options.Targets is null || second.Options.Targets is null
                        ? null
                        : [.. first.Options.Targets.Union(second.Options.Targets)],
            }
        );
        foreach (var parameter in sum.Parameters)
        {
            Write(parameter, first, 0);
            Write(parameter, second, first.Options.Rank);
        }

        return sum;
    }

    /// <param name="from">The first row of A, or column of B, that is the part's.</param>
    private static void Write(Parameter target, Adapter part, int from)
    {
        var source = part.Parameters.FirstOrDefault(parameter => parameter.Name == target.Name);
        if (source is null)
        {
            return;
        }

        var values = new float[source.Count];
        source.Read(0, values);
        if (target.Name.EndsWith(FirstFactor, StringComparison.Ordinal))
        {
            target.Write((long)from * source.Inputs, values);
            return;
        }

        foreach (ref var value in values.AsSpan())
        {
            value *= part.Options.Scale;
        }

        for (var row = 0; row < source.Outputs; row++)
        {
            target.Write(((long)row * target.Inputs) + from, values.AsSpan(row * source.Inputs, source.Inputs));
        }
    }
}
