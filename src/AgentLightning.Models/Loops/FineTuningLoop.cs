using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops;

/// <summary>
/// Supervised fine-tuning: mean −ln p over the tokens learned in an update, weighted by example (reward-weighted when the weights come from
/// rewards); AdamW with clipping; a new random order of the examples each time through. Left out: dropout, label smoothing, early stopping.
/// </summary>
public static class FineTuningLoop
{
    /// <summary>
    /// Trains what is trained of <paramref name="parameters"/>, in place. With a run folder that has a checkpoint of the same run it goes
    /// on from there, and the result is the same, bit for bit, as if it had not stopped. When it is cancelled it first writes a checkpoint.
    /// </summary>
    /// <param name="parameters">Those of the model, or of an adapter that is attached to it.</param>
    /// <param name="heldOut">Not learned from; may be empty.</param>
    /// <param name="run">Where journal and checkpoints go; null for nowhere.</param>
    /// <param name="resume">False begins anew even where there is a checkpoint.</param>
    /// <param name="progress">Called with every line of the journal.</param>
    /// <exception cref="InvalidDataException">Gradients are not finite, or the checkpoint is of another run.</exception>
    public static async Task TrainAsync(
        Transformer model,
        IReadOnlyList<Parameter> parameters,
        Compute compute,
        IReadOnlyList<TokenExample> examples,
        IReadOnlyList<TokenExample> heldOut,
        FineTuningOptions options,
        RunFolder? run,
        bool resume,
        TimeProvider clock,
        Action<FineTuningEvent>? progress,
        CancellationToken cancellationToken
    )
    {
        options.Validate();
        Check(model, examples, "example");
        Check(model, heldOut, "held-out example");
        if (examples.Count == 0 || examples.All(example => example.Weight == 0))
        {
            throw new ArgumentException(
                $"There is nothing to learn from: there are {examples.Count} examples{(examples.Count > 0 ? ", and all weigh 0" : "")}."
            );
        }

        CheckMemory(model, parameters, [.. examples, .. heldOut], options);
        using var optimizer = new ParameterOptimizer(parameters, compute, options.Rule);
        using var step = new FineTuningStep(model, compute, options);
        var held = heldOut.ToArray();
        var order = new ExampleOrder<TokenExample>(examples, options.Seed);
        var batch = new TokenExample[options.BatchSize];
        var fingerprint = run is null ? "" : Fingerprint(optimizer, examples, options);
        var started = clock.GetTimestamp();
        using var taken = run?.Take();
        if (!(resume && run?.TryLoad(optimizer, fingerprint) == true))
        {
            run?.Clear();
            Evaluate();
        }

        while (optimizer.Steps < options.Steps)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                await (run?.SaveAsync(optimizer, fingerprint, CancellationToken.None) ?? Task.CompletedTask).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
            }

            order.Fill((long)optimizer.Steps * options.BatchSize, batch);
            var rate = options.LearningRate * options.Schedule.At(optimizer.Steps, options.Steps, options.Warmup);
            var loss = step.AddGradient(batch);
            var norm = optimizer.Step(rate, options.ClipNorm);
            if (!double.IsFinite(norm) || !double.IsFinite(loss))
            {
                throw new InvalidDataException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Update {optimizer.Steps + 1} has loss {loss} and gradient norm {norm}; both must be finite. Lower the learning "
                            + $"rate, {options.LearningRate}."
                    )
                );
            }

            Tell(new FineTuningEvent(optimizer.Steps, options.Steps, loss, FineTuningStep.TargetsOf(batch), rate, norm, null, Seconds()));
            var last = optimizer.Steps == options.Steps;
            if (last || (options.EvaluateEvery > 0 && optimizer.Steps % options.EvaluateEvery == 0))
            {
                Evaluate();
            }

            if (run is not null && (last || run.MustSave(optimizer.Steps, options.SaveEvery)))
            {
                await run.SaveAsync(optimizer, fingerprint, cancellationToken).ConfigureAwait(false);
            }
        }

        void Evaluate()
        {
            if (held.Length > 0)
            {
                Tell(new FineTuningEvent(optimizer.Steps, options.Steps, null, null, null, null, step.Loss(held), Seconds()));
            }
        }

        void Tell(FineTuningEvent line)
        {
            run?.Write(line);
            progress?.Invoke(line);
        }

        double Seconds() => Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3);
    }

    private static void Check(Transformer model, IReadOnlyList<TokenExample> examples, string what)
    {
        for (var i = 0; i < examples.Count; i++)
        {
            var (tokens, from, weight, _, read) = examples[i];
            if (tokens.Length > model.Config.MaxPositions || !examples[i].IsInOrder || weight is not (>= 0 and < float.PositiveInfinity))
            {
                throw new ArgumentException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"The {what} {i} has {tokens.Length} tokens, learned from token {from} on"
                            + $"{(read is null ? "" : $" but for {string.Join(", ", read)}")}, with weight {weight}; it must have at most "
                            + $"{model.Config.MaxPositions}, the longest context of this model, learn at least one that is not the first, "
                            + $"and weigh 0 or more."
                    )
                );
            }

            TokenChecks.Ids(model.Config, tokens, "token");
        }
    }

    /// <summary>Weights, gradients and both moments, and the activations of the largest pack.</summary>
    private static void CheckMemory(
        Transformer model,
        IReadOnlyList<Parameter> parameters,
        TokenExample[] examples,
        FineTuningOptions options
    )
    {
        var tokens = Math.Min(
            Math.Max(options.TokensAtOnce, examples.Max(example => example.Tokens.Length)),
            examples.Sum(example => (long)example.Tokens.Length)
        );
        double weights = model.Parameters.Sum(parameter => (double)parameter.StoredCount * parameter.Type.Size()),
            trained = parameters.Where(parameter => parameter.IsTrained).Sum(parameter => (double)parameter.StoredCount);
        var steps = TrainingSession.EstimateBytes(model, tokens, new TrainingSessionOptions { Checkpointing = options.Checkpointing });
        MemoryBudget.Check(
            string.Create(CultureInfo.InvariantCulture, $"Training {trained / 1e6:F1} million parameters, {tokens} tokens at once,"),
            weights + (3 * sizeof(float) * trained) + steps,
            options.MemoryBytes,
            " Compute fewer tokens at once, shorten the examples, keep fewer activations (checkpointing), or train an adapter."
        );
    }

    /// <summary>Of all that a resumed run must have in common with the one before, so that none goes on as another.</summary>
    private static string Fingerprint(ParameterOptimizer optimizer, IReadOnlyList<TokenExample> examples, FineTuningOptions options)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes((options with { EvaluateEvery = 0, SaveEvery = 0, MemoryBytes = null }).ToString()));
        foreach (var parameter in optimizer.Parameters)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{parameter.Name} {string.Join(',', parameter.Shape)};"));
        }

        foreach (var example in examples)
        {
            hash.AppendData(
                MemoryMarshal.AsBytes<int>([example.LearnFrom, example.Tokens.Length, BitConverter.SingleToInt32Bits(example.Weight)])
            );
            hash.AppendData(MemoryMarshal.AsBytes<int>(example.Tokens));
            hash.AppendData(
                MemoryMarshal.AsBytes<int>([.. (example.OnlyRead ?? []).SelectMany(range => new[] { range.Start.Value, range.End.Value })])
            );
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
