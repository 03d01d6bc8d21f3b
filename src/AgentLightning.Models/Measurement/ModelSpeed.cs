using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Measurement;

/// <summary>
/// Measures a model on this machine. Figures are medians over rounds in which the limits take turns with what is measured, and a share is
/// that within a round. The arithmetic limit is the peak of a matrix product of 1024³; the memory limit is reading every weight and what is
/// cached once per step.
/// </summary>
public static class ModelSpeed
{
    private const int Prompt = 256;

    /// <summary>
    /// Reads a prompt of 256 tokens (or half of the context), decodes batches of 1 and 8 after it, answers one prompt 16 times, and trains
    /// an adapter.
    /// </summary>
    /// <param name="seconds">About how long each figure may take; longer gives steadier ones.</param>
    public static IEnumerable<SpeedFigure> Measure(Transformer model, Compute compute, double seconds, CancellationToken cancellationToken)
    {
        Func<SpeedFigure>[] figures =
        [
            () => Reading(model, compute, seconds),
            () => Decoding(model, compute, 1, seconds),
            () => Decoding(model, compute, 8, seconds),
            () => Group(model, compute, 16, 16),
            () => AdapterStep(model, compute, seconds),
        ];
        foreach (var figure in figures)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return figure();
        }
    }

    /// <summary>Tokens of a prompt per second, as a share of the arithmetic limit.</summary>
    public static SpeedFigure Reading(Transformer model, Compute compute, double seconds)
    {
        var length = LengthFor(model);
        using var machine = new Machine(compute);
        using var session = new InferenceSession(model, compute, length);
        var logits = new float[model.Config.VocabularySize];
        var rounds = Best.Rounds(
            10,
            seconds,
            () =>
            {
                using var sequence = session.Start();
                session.Forward([sequence], [length], new int[length], logits);
            },
            machine.Multiply
        );
        // Attention sees half of the prompt on average, and only the last token has logits.
        var flops =
            (length * ((2.0 * BlockWeights(model)) + (2.0 * model.Config.Layers * AttentionWidth(model) * length)))
            + (2.0 * HeadWeights(model));
        return OfArithmetic($"prompt of {length} tokens", length, flops, rounds);
    }

    /// <summary>Tokens decoded per second at a batch, as a share of the lesser of the arithmetic and the memory limit.</summary>
    public static SpeedFigure Decoding(Transformer model, Compute compute, int batch, double seconds)
    {
        var config = model.Config;
        var length = LengthFor(model);
        using var machine = new Machine(compute);
        using var session = new InferenceSession(model, compute, batch * (length + 64));
        CachedSequence[] sequences = [.. Enumerable.Range(0, batch).Select(_ => session.Start())];
        int[] prompts = [.. Enumerable.Repeat(length, batch)],
            ones = [.. Enumerable.Repeat(1, batch)];
        var logits = new float[batch * config.VocabularySize];
        session.Forward(sequences, prompts, new int[batch * length], logits);
        var rounds = Best.Rounds(
            10,
            seconds,
            () =>
            {
                session.Forward(sequences, ones, ones, logits);
                Array.ForEach(sequences, sequence => sequence.Truncate(length));
            },
            machine.Multiply,
            machine.Read
        );
        var flops = batch * ((2.0 * (BlockWeights(model) + HeadWeights(model))) + (4.0 * config.Layers * AttentionWidth(model) * length));
        var bytes = BytesRead(model) + (2.0 * config.Layers * config.KeyValueHeads * config.HeadWidth * length * batch * sizeof(float));
        var share = rounds
            .Select(round => Math.Max(flops * round[1] / Machine.Flops, bytes * round[2] / Machine.Bytes) / round[0])
            .Median();
        var (peak, memory) = (
            Machine.Flops / rounds.Select(round => round[1]).Median(),
            Machine.Bytes / rounds.Select(round => round[2]).Median()
        );
        return new SpeedFigure(
            $"decoding, batch {batch}",
            Math.Round(batch / rounds.Select(round => round[0]).Median(), 1),
            "tokens/s",
            Math.Round(share, 2),
            flops / peak > bytes / memory ? $"arithmetic, {peak / 1e9:F0} GFLOP/s" : $"memory, {memory / 1e9:F0} GB/s"
        );
    }

    /// <summary>Floating-point operations per second of a matrix product at its best.</summary>
    public static double Peak(Compute compute, double seconds)
    {
        using var machine = new Machine(compute);
        return Machine.Flops / Best.Of(seconds, machine.Multiply)[0];
    }

    /// <summary>
    /// How many times faster one prompt is answered <paramref name="count"/> times than as many prompts of that length once each.
    /// </summary>
    public static SpeedFigure Group(Transformer model, Compute compute, int count, int tokens)
    {
        var length = LengthFor(model);
        var options = new GenerationOptions { MaxTokens = Math.Min(tokens, model.Config.MaxPositions - length), StopIds = [] };
        using var generator = new Generator(
            model,
            compute,
            null,
            new GeneratorOptions { MaxBatch = count, CacheTokens = (count + 1) * (length + tokens + 64) }
        );
        var rounds = Best.Rounds(
            3,
            0,
            () => generator.Generate(new int[length], options, count),
            () =>
            {
                for (var i = 0; i < count; i++)
                {
                    generator.Add(new int[length], options);
                }

                generator.Run();
            }
        );
        return new SpeedFigure(
            $"{count} answers of {options.MaxTokens} tokens to one prompt of {length}",
            Math.Round(rounds.Select(round => round[1] / round[0]).Median(), 2),
            "times as fast as to separate prompts"
        );
    }

    /// <summary>
    /// Tokens per second of training an adapter of rank 16, as a share of the arithmetic limit, counting 4 operations per weight and token.
    /// </summary>
    public static SpeedFigure AdapterStep(Transformer model, Compute compute, double seconds)
    {
        var length = LengthFor(model);
        using var machine = new Machine(compute);
        using var adapter = Adapter.Create(model, new AdapterOptions(), seed: 1);
        adapter.Attach();
        adapter.Train(true);
        using var session = new TrainingSession(model, compute);
        using var optimizer = new ParameterOptimizer(adapter.Parameters, compute, new AdamW());
        int[] tokens = new int[length],
            positions = [.. Enumerable.Range(0, length)];
        var rounds = Best.Rounds(
            10,
            seconds,
            () =>
            {
                session.CrossEntropy(tokens, [0, length], positions, tokens, 1f / length);
                optimizer.Step(1e-4f, clipNorm: 1);
            },
            machine.Multiply
        );
        var changed = adapter.Parameters.Sum(parameter => (double)parameter.Count);
        var flops =
            length
            * (
                (4.0 * (BlockWeights(model) + HeadWeights(model)))
                + (6 * changed)
                + (6.0 * model.Config.Layers * AttentionWidth(model) * length)
            );
        return OfArithmetic($"adapter step of {length} tokens", length, flops, rounds);
    }

    private static SpeedFigure OfArithmetic(string name, int tokens, double flops, List<double[]> rounds) =>
        new(
            name,
            Math.Round(tokens / rounds.Select(round => round[0]).Median(), 1),
            "tokens/s",
            Math.Round(rounds.Select(round => flops * round[1] / Machine.Flops / round[0]).Median(), 2),
            $"arithmetic, {Machine.Flops / rounds.Select(round => round[1]).Median() / 1e9:F0} GFLOP/s"
        );

    private static int LengthFor(Transformer model) => Math.Min(Prompt, model.Config.MaxPositions / 2);

    private static double AttentionWidth(Transformer model) => model.Config.Heads * model.Config.HeadWidth;

    private static double BlockWeights(Transformer model) => model.Linears.Sum(linear => (double)linear.Weight.Count);

    private static double HeadWeights(Transformer model) => model.Output.Weight.Count;

    /// <summary>The matrices that every step reads whole; of the tables only the output layer.</summary>
    private static double BytesRead(Transformer model) =>
        model.Linears.Append(model.Output).Sum(linear => (double)linear.Weight.Count * linear.Weight.Type.Size());
}
