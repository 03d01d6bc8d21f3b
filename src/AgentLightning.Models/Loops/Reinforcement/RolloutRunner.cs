using AgentLightning.Models.Environments;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Lets a policy attempt tasks. All attempts are decoded together, and those at one task read its prompt once. Seeds come from run, step, task and attempt, so an attempt is the
/// same whatever runs beside it.
/// </summary>
internal sealed class RolloutRunner(LanguagePolicy policy, IEnvironment environment, ReinforcementOptions options, TimeProvider clock) : IDisposable
{
    private Generator? _generator;
    private int _capacity;

    /// <summary>Attempts each task so many times; group after group.</summary>
    /// <param name="seeds">Of the run and the step.</param>
    public async Task<IReadOnlyList<Attempt>> RunAsync(IReadOnlyList<RolloutTask> tasks, int count, float temperature, (long Run, long Step) seeds, CancellationToken cancellationToken)
    {
        var attempts = tasks.SelectMany((task, group) => Enumerable.Range(0, count).Select(number => new Attempt(task, group, number))).ToList();
        for (var turn = 0; ; turn++)
        {
            foreach (var attempt in attempts.Where(attempt => !attempt.IsOver && !HasRoom(attempt)))
            {
                attempt.Fail($"'{attempt.Task.Id}' has {attempt.Tokens.Count} tokens before turn {turn + 1}; with {options.MaxTokens} more the context of {policy.Model.Config.MaxPositions} is too short.");
            }

            var active = attempts.Where(attempt => !attempt.IsOver).ToList();
            if (active.Count == 0)
            {
                return attempts;
            }

            Draw(active, turn, temperature, seeds, cancellationToken);
            await Parallel.ForEachAsync(
                active, new ParallelOptions { MaxDegreeOfParallelism = options.JudgesAtOnce, CancellationToken = cancellationToken }, (attempt, token) => JudgeAsync(attempt, token)).ConfigureAwait(false);
            foreach (var attempt in active.Where(attempt => !attempt.IsOver && turn + 1 == options.MaxTurns))
            {
                attempt.Fail($"'{attempt.Task.Id}' is not over after {options.MaxTurns} turns.");
            }
        }
    }

    public void Dispose() => _generator?.Dispose();

    private bool HasRoom(Attempt attempt) => attempt.Tokens.Count > 0 && attempt.Tokens.Count + options.MaxTokens <= policy.Model.Config.MaxPositions;

    private void Draw(List<Attempt> active, int turn, float temperature, (long Run, long Step) seeds, CancellationToken cancellationToken)
    {
        // In the first turn the attempts at a task have one prompt; then each has its own.
        var groups = turn == 0 ? active.GroupBy(attempt => attempt.Group).Select(group => group.ToList()).ToList() : [.. active.Select(attempt => new List<Attempt> { attempt })];
        var generator = GeneratorFor(groups);
        var drawn = new List<(Attempt Attempt, Completion Completion)>();
        foreach (var group in groups)
        {
            var first = group[0];
            var seed = turn == 0 ? new SeededRandom(seeds.Run, seeds.Step, first.Group) : new SeededRandom(seeds.Run, seeds.Step, first.Group, turn, first.Number);
            var generation = new GenerationOptions
            {
                MaxTokens = options.MaxTokens, Temperature = temperature, Seed = (long)(seed.NextDouble() * (1L << 53)), Stop = policy.Tokenizer is null ? [] : options.Stop, StopIds = options.StopIds,
            };
            drawn.AddRange(group.Zip(generator.Add([.. first.Tokens], generation, group.Count)));
        }

        generator.Run(cancellationToken);
        foreach (var (attempt, completion) in drawn)
        {
            attempt.AddTurn(completion.TokenIds, completion.LogProbabilities, completion.Text, completion.FinishReason!.Value);
        }
    }

    private async ValueTask JudgeAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        try
        {
            // In a task of its own: an environment that blocks is waited for no longer than one that awaits.
            var judging = Task.Run(() => environment.StepAsync(attempt, cancellationToken).AsTask(), cancellationToken);
            attempt.Take(await judging.WaitAsync(options.JudgeTimeout, clock, cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (TimeoutException)
        {
            attempt.Fail($"'{attempt.Task.Id}' was not judged within {options.JudgeTimeout.TotalSeconds} seconds.");
        }
        catch (Exception e)
        {
            attempt.Fail($"Judging '{attempt.Task.Id}' failed: {e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>One whose cache holds all that is decoded together, where memory allows; it is kept while that is enough.</summary>
    private Generator GeneratorFor(List<List<Attempt>> groups)
    {
        var batch = Math.Min(options.CompletionsAtOnce, groups.Sum(group => group.Count));
        // A page more for each sequence, which begins one.
        var each = groups.Max(group => group[0].Tokens.Count) + options.MaxTokens + 32;
        var needed = (batch + Math.Min(groups.Count, batch)) * each;
        if (_generator is null || needed > _capacity)
        {
            _generator?.Dispose();
            _capacity = needed;
            _generator = new Generator(policy.Model, policy.Compute, policy.Tokenizer, new GeneratorOptions { MaxBatch = options.CompletionsAtOnce, CacheTokens = needed });
        }

        return _generator;
    }
}
