using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Loops.Preferences;

/// <summary>
/// Learning from preferences (DPO and its relatives): the mean loss over the pairs of an update; AdamW with clipping; a new random order of the pairs each time through. The reference is
/// the model as it was, without its adapter; its log-probabilities are computed once, before the first update.
/// </summary>
public static class PreferenceLoop
{
    private const string HeldOut = "held_out/";

    /// <summary>
    /// Trains the policy in place. With a run folder that has a checkpoint of the same run it goes on from there, and the result is the same, bit for bit, as if it had not stopped;
    /// the policy must be handed in as it was before the first update.
    /// </summary>
    /// <param name="heldOut">Not learned from; may be empty.</param>
    /// <param name="run">Where journal and checkpoints go; null for nowhere.</param>
    /// <param name="resume">False begins anew even where there is a checkpoint.</param>
    /// <param name="progress">Called with every line of the journal.</param>
    /// <exception cref="InvalidDataException">Gradients are not finite, or the checkpoint is of another run.</exception>
    public static async Task TrainAsync(
        LanguagePolicy policy, IReadOnlyList<PreferencePair> pairs, IReadOnlyList<PreferencePair> heldOut, PreferenceOptions options, RunFolder? run, bool resume, TimeProvider clock,
        Action<ReinforcementEvent>? progress, CancellationToken cancellationToken)
    {
        options.Validate();
        Check(policy, pairs);
        Check(policy, heldOut);
        if (pairs.Count == 0)
        {
            throw new ArgumentException("There are no pairs to learn from.", nameof(pairs));
        }

        using var optimizer = new ParameterOptimizer(policy.Parameters, policy.Compute, options.Rule);
        using var step = new PolicyStep(policy.Model, policy.Compute, null, options.TokensAtOnce, temperature: 1, options.Checkpointing);
        using var taken = run?.Take();
        var (learned, held) = (Sequences(pairs), Sequences(heldOut));
        WithReference(policy, model =>
        {
            using var other = model == policy.Model ? null : new PolicyStep(model, policy.Compute, null, options.TokensAtOnce, temperature: 1, options.Checkpointing);
            (other ?? step).Score([.. learned.Concat(held).SelectMany(pair => pair)], (sequence, logProbabilities, _) => sequence.Reference = logProbabilities);
        });
        var order = new ExampleOrder<LearningSequence[]>(learned, options.Seed);
        var batch = new LearningSequence[options.BatchSize][];
        var fingerprint = run is null ? "" : Fingerprint(optimizer, pairs, options);
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
            var loss = step.AddGradient([.. batch.SelectMany(pair => pair)], options.Loss, policy.Model.Config.MaxPositions, metrics);
            var norm = optimizer.Step(rate, options.ClipNorm);
            if (!double.IsFinite(norm) || !double.IsFinite(loss))
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"Update {optimizer.Steps + 1} has loss {loss} and gradient norm {norm}; both must be finite. Lower the learning rate, {options.LearningRate}."));
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

            if (run is not null && (last || (options.SaveEvery > 0 && optimizer.Steps % options.SaveEvery == 0)))
            {
                await run.SaveAsync(optimizer, fingerprint, cancellationToken).ConfigureAwait(false);
            }
        }

        void Evaluate()
        {
            if (held.Length > 0)
            {
                var metrics = new MetricSums();
                metrics.Mean("loss", step.Loss([.. held.SelectMany(pair => pair)], options.Loss, policy.Model.Config.MaxPositions, metrics), 1);
                Tell(metrics.Values.ToDictionary(metric => HeldOut + metric.Key, metric => metric.Value));
            }
        }

        void Tell(IReadOnlyDictionary<string, double> metrics)
        {
            var line = new ReinforcementEvent(optimizer.Steps, options.Steps, Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3), metrics);
            run?.Write(line);
            progress?.Invoke(line);
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

    private static LearningSequence[][] Sequences(IReadOnlyList<PreferencePair> pairs) =>
        [.. pairs.Select(pair => new[] { Sequence(pair.Prompt, pair.Chosen, isSecond: false), Sequence(pair.Prompt, pair.Rejected, isSecond: true) })];

    private static LearningSequence Sequence(int[] prompt, int[] answer, bool isSecond) =>
        new([.. prompt, .. answer], [.. Enumerable.Range(prompt.Length, answer.Length)], new float[answer.Length]) { IsSecond = isSecond };

    private static void Check(LanguagePolicy policy, IReadOnlyList<PreferencePair> pairs)
    {
        for (var i = 0; i < pairs.Count; i++)
        {
            foreach (var answer in (int[][])[pairs[i].Chosen, pairs[i].Rejected])
            {
                TokenChecks.Ids(policy.Model.Config, answer, "token");
                if (pairs[i].Prompt.Length == 0 || answer.Length == 0 || pairs[i].Prompt.Length + answer.Length > policy.Model.Config.MaxPositions)
                {
                    throw new ArgumentException($"The pair {i} has a prompt of {pairs[i].Prompt.Length} tokens and an answer of {answer.Length}; both must have at least 1, and together at most {policy.Model.Config.MaxPositions}, the longest context of this model.");
                }
            }

            TokenChecks.Ids(policy.Model.Config, pairs[i].Prompt, "token");
        }
    }

    /// <summary>Of all that a resumed run must have in common with the one before, so that none goes on as another.</summary>
    private static string Fingerprint(ParameterOptimizer optimizer, IReadOnlyList<PreferencePair> pairs, PreferenceOptions options)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes((options with { EvaluateEvery = 0, SaveEvery = 0 }).ToString()));
        foreach (var parameter in optimizer.Parameters)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{parameter.Name} {string.Join(',', parameter.Shape)};"));
        }

        foreach (var pair in pairs)
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([pair.Prompt.Length, pair.Chosen.Length, .. pair.Prompt, .. pair.Chosen, .. pair.Rejected]));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
