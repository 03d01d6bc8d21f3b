using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Loops.Preferences;

/// <summary>
/// Learning from pairs or from single answers against a reference: the mean loss over the items of an update; AdamW with clipping; a new
/// random order of the items each time through. The reference is the model as it was, without its adapter; its log-probabilities are
/// computed once, before the first update.
/// </summary>
internal static class ComparisonRun
{
    private const string HeldOut = "held_out/";

    /// <param name="objectiveOf">The objective of an update, from its items and the policy as it is.</param>
    public static async Task TrainAsync(
        LanguagePolicy policy,
        IReadOnlyList<ComparisonItem> items,
        IReadOnlyList<ComparisonItem> heldOut,
        ComparisonOptions options,
        Func<PolicyStep, IReadOnlyList<ComparisonItem>, ISequenceObjective> objectiveOf,
        RunFolder? run,
        bool resume,
        TimeProvider clock,
        Action<ReinforcementEvent>? progress,
        CancellationToken cancellationToken
    )
    {
        TrainingMemory.Check(
            policy,
            options.TokensAtOnce,
            items
                .Concat(heldOut)
                .Max(item => Math.Max(item.Learned.Sum(sequence => sequence.Tokens.Length), item.Mismatch?.Tokens.Length ?? 0)),
            options.Checkpointing,
            0,
            options.MemoryBytes,
            "shorten prompts and answers"
        );
        using var optimizer = new ParameterOptimizer(policy.Parameters, policy.Compute, options.Rule);
        using var step = new PolicyStep(policy.Model, policy.Compute, null, options.TokensAtOnce, temperature: 1, options.Checkpointing);
        using var taken = run?.Take();
        WithReference(policy, model =>
        {
            using var other =
                model == policy.Model
                    ? null
                    : new PolicyStep(model, policy.Compute, null, options.TokensAtOnce, temperature: 1, options.Checkpointing);
            (other ?? step).Score([.. items.Concat(heldOut).SelectMany(item => item.All)], (sequence, logProbabilities, _) =>
                sequence.Reference = logProbabilities
            );
        });
        var order = new ExampleOrder<ComparisonItem>(items, options.Seed);
        var batch = new ComparisonItem[options.BatchSize];
        var fingerprint = run is null ? "" : Fingerprint(optimizer, items, options);
        var started = clock.GetTimestamp();
        if (!(resume && run?.TryLoad(optimizer, fingerprint) == true))
        {
            run?.Clear();
            Evaluate();
        }

        while (optimizer.Steps < options.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            order.Fill((long)optimizer.Steps * options.BatchSize, batch);
            var rate = options.LearningRate * options.Schedule.At(optimizer.Steps, options.Steps, options.Warmup);
            var metrics = new MetricSums();
            var loss = step.AddGradient(
                [.. batch.SelectMany(item => item.Learned)],
                objectiveOf(step, batch),
                policy.Model.Config.MaxPositions,
                metrics
            );
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

            metrics.Mean("loss", loss, 1);
            metrics.Mean("grad_norm", norm, 1);
            metrics.Mean("learning_rate", rate, 1);
            Tell(metrics.Values);
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
            if (heldOut.Count > 0)
            {
                var metrics = new MetricSums();
                metrics.Mean(
                    "loss",
                    step.Loss(
                        [.. heldOut.SelectMany(item => item.Learned)],
                        objectiveOf(step, heldOut),
                        policy.Model.Config.MaxPositions,
                        metrics
                    ),
                    1
                );
                Tell(metrics.Values.ToDictionary(metric => HeldOut + metric.Key, metric => metric.Value));
            }
        }

        void Tell(IReadOnlyDictionary<string, double> metrics)
        {
            var line = new ReinforcementEvent(
                optimizer.Steps,
                options.Steps,
                Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3),
                metrics
            );
            run?.Write(line);
            progress?.Invoke(line);
        }
    }

    /// <summary>Checks a prompt and an answer of something that is called <paramref name="what"/>.</summary>
    public static void Check(LanguagePolicy policy, int[] prompt, int[] answer, string what)
    {
        TokenChecks.Ids(policy.Model.Config, answer, "token");
        TokenChecks.Ids(policy.Model.Config, prompt, "token");
        if (prompt.Length == 0 || answer.Length == 0 || prompt.Length + answer.Length > policy.Model.Config.MaxPositions)
        {
            throw new ArgumentException(
                $"The {what} has a prompt of {prompt.Length} tokens and an answer of {answer.Length}; both must have at least 1, and "
                    + $"together at most {policy.Model.Config.MaxPositions}, the longest context of this model."
            );
        }
    }

    /// <summary>Before the first update a model that is trained as a whole is its own reference.</summary>
    private static void WithReference(LanguagePolicy policy, Action<Transformer> use)
    {
        if (policy.Adapter is null && policy.Reference is null)
        {
            use(policy.Model);
        }
        else
        {
            policy.WithReference(use);
        }
    }

    /// <summary>Of all that a resumed run must have in common with the one before, so that none goes on as another.</summary>
    private static string Fingerprint(ParameterOptimizer optimizer, IReadOnlyList<ComparisonItem> items, ComparisonOptions options)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes((options with { EvaluateEvery = 0, SaveEvery = 0, MemoryBytes = null }).ToString()));
        foreach (var parameter in optimizer.Parameters)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{parameter.Name} {string.Join(',', parameter.Shape)};"));
        }

        foreach (var sequence in items.SelectMany(item => item.All))
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([sequence.Tokens.Length, sequence.Drawn.Length, .. sequence.Tokens]));
            hash.AppendData(MemoryMarshal.AsBytes<float>(sequence.Advantages.AsSpan(0, 1)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
