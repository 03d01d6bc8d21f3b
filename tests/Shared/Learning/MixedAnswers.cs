using System.Collections.Concurrent;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Testing;

/// <summary>A task for learning from preferences: a model that gives two answers equally often, and pairs that prefer one.</summary>
internal static class MixedAnswers
{
    private static readonly ConcurrentDictionary<long, Lazy<Task<float[][]>>> s_weights = [];

    /// <summary>A model that reverses digits, and as often raises each by one as well. It is trained once for each seed.</summary>
    public static async Task<Transformer> ModelAsync(long seed = 1)
    {
        var weights = await s_weights.GetOrAdd(seed, _ => new Lazy<Task<float[][]>>(() => TrainAsync(seed))).Value;
        var model = Transformer.Create(ReverseDigits.LargerConfig, seed);
        model.Train(true);
        foreach (var (parameter, values) in model.Parameters.Zip(weights))
        {
            parameter.Write(0, values);
        }

        return model;
    }

    /// <summary>Prompts with both answers, of which the raised one is preferred.</summary>
    public static PreferencePair[] Pairs(int from, int count) =>
        [
            .. ReverseDigits
                .Tasks(1)
                .Tasks.Skip(from)
                .Take(count)
                .Select(task => new PreferencePair(
                    task.Prompt,
                    [.. task.Prompt[..4].Reverse().Select(digit => (digit + 1) % 10)],
                    [.. task.Prompt[..4].Reverse()]
                )),
        ];

    private static async Task<float[][]> TrainAsync(long seed)
    {
        using var compute = new Compute(1);
        using var model = Transformer.Create(ReverseDigits.LargerConfig, seed);
        model.Train(true);
        TokenExample[] examples =
        [
            .. Pairs(0, 2000)
                .SelectMany(pair =>
                    new[]
                    {
                        new TokenExample([.. pair.Prompt, .. pair.Chosen], pair.Prompt.Length),
                        new TokenExample([.. pair.Prompt, .. pair.Rejected], pair.Prompt.Length),
                    }
                ),
        ];
        await FineTuningLoop.TrainAsync(
            model,
            model.Parameters,
            compute,
            examples,
            [],
            new FineTuningOptions
            {
                Steps = 400,
                BatchSize = 128,
                LearningRate = 1e-3f,
            },
            null,
            false,
            TimeProvider.System,
            null,
            CancellationToken.None
        );
        return
        [
            .. model.Parameters.Select(parameter =>
            {
                var values = new float[parameter.Count];
                parameter.Read(0, values);
                return values;
            }),
        ];
    }
}
