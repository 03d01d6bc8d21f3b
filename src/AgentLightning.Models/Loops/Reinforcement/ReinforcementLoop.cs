using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Ports;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Learning from rewards. A step: the policy attempts some tasks several times; attempts are judged; tokens get advantages; the objective
/// of the method is followed for one or more updates. Log-probabilities at drawing are those of the sampler, which are those of training up
/// to rounding. Left out: a group in which all did equally well, attempts that failed or could not be judged; the normalisers count what is
/// left.
/// </summary>
public static class ReinforcementLoop
{
    /// <summary>
    /// Trains the policy in place. With a run folder that has a checkpoint of the same run it goes on from there, and the result is the
    /// same, bit for bit, as if it had not stopped.
    /// </summary>
    /// <param name="heldOut">Tasks that are only evaluated, without chance; may be empty.</param>
    /// <param name="run">Where journal and checkpoints go; null for nowhere.</param>
    /// <param name="resume">False begins anew even where there is a checkpoint.</param>
    /// <param name="progress">Called with every line of the journal.</param>
    /// <param name="judged">Called with the attempts of every step, judged, before they are learned from.</param>
    /// <exception cref="InvalidDataException">Gradients are not finite, too many attempts fail, or the checkpoint is of another
    /// run.</exception>
    public static async Task<ReinforcementResult> TrainAsync(
        LanguagePolicy policy,
        IReadOnlyList<RolloutTask> tasks,
        IReadOnlyList<RolloutTask> heldOut,
        IEnvironment environment,
        ReinforcementOptions options,
        RunFolder? run,
        bool resume,
        TimeProvider clock,
        Action<ReinforcementEvent>? progress,
        Action<IReadOnlyList<Attempt>>? judged,
        CancellationToken cancellationToken
    )
    {
        options.Validate();
        var port = Port(policy, options);
        await using var disposal = port.ConfigureAwait(false);
        return await TrainAsync(
                port,
                policy.Tokenizer is not null,
                tasks,
                heldOut,
                environment,
                options,
                run,
                resume,
                clock,
                progress,
                judged,
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    /// <summary>
    /// The same with a model wherever the port has it. One that is elsewhere keeps the checkpoints of the run there, and the run folder
    /// says where.
    /// </summary>
    /// <param name="hasTexts">Whether the port says what tokens mean, so that texts can end a turn.</param>
    /// <exception cref="ArgumentException">The method cannot be used with this port; the message names those that can.</exception>
    public static async Task<ReinforcementResult> TrainAsync(
        IModelPort port,
        bool hasTexts,
        IReadOnlyList<RolloutTask> tasks,
        IReadOnlyList<RolloutTask> heldOut,
        IEnvironment environment,
        ReinforcementOptions options,
        RunFolder? run,
        bool resume,
        TimeProvider clock,
        Action<ReinforcementEvent>? progress,
        Action<IReadOnlyList<Attempt>>? judged,
        CancellationToken cancellationToken
    )
    {
        options.Validate();
        Check(port, tasks, options);
        if (tasks.Count == 0)
        {
            throw new ArgumentException("There are no tasks to learn from.", nameof(tasks));
        }

        var runner = new RolloutRunner(port, hasTexts, environment, options, clock);
        var order = new ExampleOrder<RolloutTask>(tasks, options.Seed);
        var batch = new RolloutTask[options.TasksPerStep];
        return await RunAsync(
                port,
                NextAsync,
                draws: true,
                tasks.Select(task => (task.Id, task.Prompt)),
                heldOut,
                runner,
                options,
                run,
                resume,
                clock,
                progress,
                judged,
                cancellationToken
            )
            .ConfigureAwait(false);

        Task<IReadOnlyList<Attempt>> NextAsync(int step)
        {
            order.Fill((long)step * options.TasksPerStep, batch);
            return runner.RunAsync(batch, options.Attempts, options.Temperature, (options.Seed, step + 1), cancellationToken);
        }
    }

    /// <summary>
    /// The same from attempts that were made before, perhaps by another policy, with the log-probabilities that they were drawn with:
    /// nothing is drawn but for evaluation. A step learns from the attempts at <see cref="ReinforcementOptions.TasksPerStep"/> tasks. Take
    /// a method that clips ratios, with room upwards: it lets go of what has become unlikely enough. One that only cuts weights off
    /// (<see cref="ReinforcementMethod.Cispo"/>) goes on pushing bad tokens down, without end where nothing fresh is drawn.
    /// </summary>
    /// <param name="logged">Attempts that are over; those with one <see cref="Attempt.Group"/> are compared.</param>
    /// <param name="heldOut">Tasks that are only evaluated; may be empty.</param>
    public static async Task<ReinforcementResult> TrainOnLoggedAsync(
        LanguagePolicy policy,
        IReadOnlyList<Attempt> logged,
        IReadOnlyList<RolloutTask> heldOut,
        IEnvironment environment,
        ReinforcementOptions options,
        RunFolder? run,
        bool resume,
        TimeProvider clock,
        Action<ReinforcementEvent>? progress,
        CancellationToken cancellationToken
    )
    {
        options.Validate();
        foreach (var attempt in logged)
        {
            TokenChecks.Ids(policy.Model.Config, [.. attempt.Tokens], "token");
            if (
                attempt.Tokens.Count > policy.Model.Config.MaxPositions
                || attempt.Drawn.Any(index => index == 0)
                || !attempt.LogProbabilities.All(value => value is <= 0 and > float.NegativeInfinity)
                || !attempt.IsOver
            )
            {
                throw new ArgumentException(
                    $"An attempt at '{attempt.Task.Id}' cannot be learned from: it must be over, have at most "
                        + $"{policy.Model.Config.MaxPositions} tokens, of which the first was not drawn, and log-probabilities that are "
                        + $"finite and at most 0."
                );
            }
        }

        Attempt[][] groups = [.. logged.GroupBy(attempt => attempt.Group).Select(group => group.ToArray())];
        if (groups.Length == 0)
        {
            throw new ArgumentException("There are no attempts to learn from.", nameof(logged));
        }

        var port = Port(policy, options);
        await using var disposal = port.ConfigureAwait(false);
        var runner = new RolloutRunner(port, policy.Tokenizer is not null, environment, options, clock);
        var order = new ExampleOrder<Attempt[]>(groups, options.Seed);
        var batch = new Attempt[Math.Min(options.TasksPerStep, groups.Length)][];
        var identity = logged.Select(attempt =>
            (
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{attempt.Task.Id} {attempt.Group} {attempt.Return(1):R} {string.Join(',', attempt.LogProbabilities)}"
                ),
                attempt.Tokens.ToArray()
            )
        );
        return await RunAsync(
                port,
                NextAsync,
                draws: false,
                identity,
                heldOut,
                runner,
                options,
                run,
                resume,
                clock,
                progress,
                null,
                cancellationToken
            )
            .ConfigureAwait(false);

        Task<IReadOnlyList<Attempt>> NextAsync(int step)
        {
            order.Fill((long)step * batch.Length, batch);
            return Task.FromResult<IReadOnlyList<Attempt>>([.. batch.SelectMany(group => group)]);
        }
    }

    private static async Task<ReinforcementResult> RunAsync(
        IModelPort port,
        Func<int, Task<IReadOnlyList<Attempt>>> nextAsync,
        bool draws,
        IEnumerable<(string Name, int[] Tokens)> identity,
        IReadOnlyList<RolloutTask> heldOut,
        RolloutRunner runner,
        ReinforcementOptions options,
        RunFolder? run,
        bool resume,
        TimeProvider clock,
        Action<ReinforcementEvent>? progress,
        Action<IReadOnlyList<Attempt>>? judged,
        CancellationToken cancellationToken
    )
    {
        // Setup.
        Check(port, heldOut, options);
        port.Check(options.Objective(), options.Temperature);
        if (port is LocalModelPort { Policy: var policy })
        {
            CheckMemory(policy, identity.Max(one => one.Tokens.Length) + (draws ? options.MaxTokens : 0), draws, heldOut, options);
        }

        using var taken = run?.Take();
        var update = new PolicyUpdate(port, options);
        var weights = RunWeights.Of(port);
        var best = new BestWeights(weights);
        var count = new WorkCounter(port as LocalModelPort);
        var journal = new List<ReinforcementEvent>();
        var fingerprint = run is null ? "" : Fingerprint(weights, identity, options);
        var started = clock.GetTimestamp();
        var step = 0;
        if (resume && run is not null && await weights.TryLoadAsync(run, fingerprint, cancellationToken).ConfigureAwait(false) is { } saved)
        {
            step = saved;
            journal.AddRange(run.ReadJournal<ReinforcementEvent>());
            best.Load(journal);
        }
        else
        {
            run?.Clear();
            await EvaluateAsync().ConfigureAwait(false);
        }

        // One step: attempt, judge, learn, tell; then perhaps evaluate and save.
        while (step < options.Steps && !IsDone())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var began = clock.GetTimestamp();
            var attempts = await nextAsync(step).ConfigureAwait(false);
            var drawn = clock.GetElapsedTime(began);
            StopWhenMostFail(attempts, options);
            judged?.Invoke(attempts);

            var metrics = new MetricSums();
            var rate = options.LearningRate * options.Schedule.At(step, options.Steps, options.Warmup);
            await update.RunAsync(attempts, rate, step, metrics, cancellationToken).ConfigureAwait(false);
            step++;

            AttemptMetrics.Add(attempts, options, metrics);
            var all = clock.GetElapsedTime(began);
            metrics.Mean("learning_rate", rate, 1);
            metrics.Mean("timing_s/gen", drawn.TotalSeconds, 1);
            metrics.Mean("timing_s/update", (all - drawn).TotalSeconds, 1);
            metrics.Mean("tokens_per_second", attempts.Sum(attempt => attempt.Drawn.Count) / all.TotalSeconds, 1);
            var (drawing, learning) = (draws ? count.Draw(attempts) : 0, count.Learn());
            if (port is LocalModelPort)
            {
                metrics.Mean("flops/gen", drawing, 1);
                metrics.Mean("flops/update", learning, 1);
            }

            if (options.PeakFlops is { } peak)
            {
                metrics.Mean("share_of_peak", (drawing + learning) / all.TotalSeconds / peak, 1);
            }

            Tell(metrics, attempts);
            var last = step == options.Steps;
            if (last || (options.EvaluateEvery > 0 && step % options.EvaluateEvery == 0))
            {
                await EvaluateAsync().ConfigureAwait(false);
                last |= IsDone();
            }

            if (run is not null && (last || run.MustSave(step, options.SaveEvery)))
            {
                await weights.SaveAsync(run, fingerprint, step, cancellationToken).ConfigureAwait(false);
            }
        }

        var kept = options.KeepBest && await weights.RestoreBestAsync(cancellationToken).ConfigureAwait(false);
        return new ReinforcementResult(
            step,
            kept ? best.Accuracy : LastAccuracy(),
            kept ? best.Step : null,
            Seconds(),
            count.Drawn,
            count.Flops
        );

        async Task EvaluateAsync()
        {
            if (heldOut.Count == 0)
            {
                return;
            }

            var attempts = await runner.RunAsync(heldOut, 1, temperature: 0, (options.Seed, 0), cancellationToken).ConfigureAwait(false);
            StopWhenMostFail(attempts, options);
            count.Draw(attempts);
            var metrics = new MetricSums();
            var accuracy = attempts.Count(attempt => attempt.Return(options.Discount) >= options.RightReward) / (double)attempts.Count;
            metrics.Mean(ReinforcementEvent.Accuracy, accuracy, 1);
            var scored = attempts.Where(attempt => attempt.Failure is null).ToList();
            metrics.Mean("held_out/reward", scored.Sum(attempt => attempt.Return(options.Discount)), scored.Count);
            await best.OfferAsync(accuracy, step, options.KeepBest, cancellationToken).ConfigureAwait(false);
            Tell(metrics, []);
        }

        void Tell(MetricSums metrics, IReadOnlyList<Attempt> attempts)
        {
            var line = new ReinforcementEvent(step, options.Steps, Seconds(), metrics.Values);
            journal.Add(line);
            List<string> alarms = attempts.Count == 0 ? [] : [.. Alarms.Of(journal, options)];
            if (attempts.FirstOrDefault(attempt => attempt.Failure is not null) is { } failed)
            {
                alarms.Add(
                    $"Of {attempts.Count} attempts {attempts.Count(attempt => attempt.Failure is not null)} failed and were not learned "
                        + $"from. The first: {failed.Failure}"
                );
            }

            line = alarms.Count > 0 ? line with { Alarms = alarms } : line;
            run?.Write(line);
            progress?.Invoke(line);
        }

        bool IsDone() => LastAccuracy() is { } accuracy && (accuracy >= options.StopAtAccuracy || best.Stale >= options.Patience);

        double? LastAccuracy() =>
            journal.Select(line => line.Find(ReinforcementEvent.Accuracy)).LastOrDefault(accuracy => accuracy is not null);

        double Seconds() => Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3);
    }

    /// <summary>Attempts each task once, and judges it.</summary>
    /// <param name="temperature">0, without chance, or more.</param>
    /// <returns>The attempts, in the order of the tasks; one that failed says why.</returns>
    public static async Task<IReadOnlyList<Attempt>> EvaluateAsync(
        LanguagePolicy policy,
        IReadOnlyList<RolloutTask> tasks,
        IEnvironment environment,
        ReinforcementOptions options,
        float temperature,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        options.Validate();
        var port = Port(policy, options);
        await using var disposal = port.ConfigureAwait(false);
        Check(port, tasks, options);
        var runner = new RolloutRunner(port, policy.Tokenizer is not null, environment, options, clock);
        return await runner.RunAsync(tasks, 1, temperature, (options.Seed, 0), cancellationToken).ConfigureAwait(false);
    }

    private static LocalModelPort Port(LanguagePolicy policy, ReinforcementOptions options) =>
        new(
            policy,
            new LocalPortOptions
            {
                Temperature = options.Temperature,
                TokensAtOnce = options.TokensAtOnce,
                Checkpointing = options.Checkpointing,
                CompletionsAtOnce = options.CompletionsAtOnce,
                HasValues = options.Method.HasValues(),
                SharePrompts = options.SharePrompts,
            }
        );

    private static void Check(IModelPort port, IReadOnlyList<RolloutTask> tasks, ReinforcementOptions options)
    {
        foreach (var task in tasks)
        {
            port.Limits.CheckTokens(task.Prompt);
            if (task.Prompt.Length == 0 || task.Prompt.Length + options.MaxTokens > port.Limits.MaxPositions)
            {
                throw new ArgumentException(
                    $"The task '{task.Id}' has a prompt of {task.Prompt.Length} tokens; it must have at least 1 and, with "
                        + $"{options.MaxTokens} for the answer, at most {port.Limits.MaxPositions}, the longest context of this model."
                );
            }
        }
    }

    /// <summary>What training takes, the keys and values of what is decoded together, and the best weights so far.</summary>
    private static void CheckMemory(
        LanguagePolicy policy,
        int longest,
        bool draws,
        IReadOnlyList<RolloutTask> heldOut,
        ReinforcementOptions options
    )
    {
        var config = policy.Model.Config;
        var together = Math.Min(options.CompletionsAtOnce, Math.Max(draws ? options.TasksPerStep * options.Attempts : 0, heldOut.Count));
        var width = (config.HeadWidth + 31) / 32 * 32;
        double cache = 2.0 * sizeof(float) * together * longest * config.Layers * config.KeyValueHeads * width,
            best = heldOut.Count == 0 ? 0 : sizeof(float) * policy.Parameters.Sum(parameter => (double)parameter.Count);
        TrainingMemory.Check(
            policy,
            options.TokensAtOnce,
            longest,
            options.Checkpointing,
            cache + best,
            options.MemoryBytes,
            "decode fewer completions at once, shorten prompts and answers"
        );
    }

    private static void StopWhenMostFail(IReadOnlyList<Attempt> attempts, ReinforcementOptions options)
    {
        var failed = attempts.Where(attempt => attempt.Failure is not null).ToList();
        if (failed.Count > options.MaxFailureShare * attempts.Count)
        {
            throw new InvalidDataException(
                $"Of {attempts.Count} attempts {failed.Count} failed, more than the share of "
                    + $"{options.MaxFailureShare.ToString(CultureInfo.InvariantCulture)} that may. The first: {failed[0].Failure}"
            );
        }
    }

    /// <summary>Of all that a resumed run must have in common with the one before, so that none goes on as another.</summary>
    private static string Fingerprint(RunWeights weights, IEnumerable<(string Name, int[] Tokens)> identity, ReinforcementOptions options)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // How much is done at once, and how often it is looked at, may change.
        var own = options with
        {
            EvaluateEvery = 0,
            SaveEvery = 0,
            CompletionsAtOnce = 1,
            JudgesAtOnce = 1,
            JudgeTimeout = TimeSpan.MaxValue,
            PeakFlops = null,
            MemoryBytes = null,
            StopIds = null,
            Stop = [],
        };
        hash.AppendData(Encoding.UTF8.GetBytes($"{own} {string.Join('\u0001', options.Stop)} {string.Join(',', options.StopIds ?? [])}"));
        foreach (var layer in weights.Layers)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(layer));
        }

        foreach (var (name, tokens) in identity)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData(MemoryMarshal.AsBytes<int>(tokens));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
