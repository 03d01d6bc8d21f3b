using AgentLightning.Models.Environments;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Ports;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Lets a policy attempt tasks. All attempts are decoded together, and those at one task read its prompt once. Seeds come from run, step,
/// task and attempt, so an attempt is the same whatever runs beside it.
/// </summary>
/// <param name="hasTexts">Whether the port says what tokens mean, so that texts can end a turn.</param>
internal sealed class RolloutRunner(
    IModelPort port,
    bool hasTexts,
    IEnvironment environment,
    ReinforcementOptions options,
    TimeProvider clock
)
{
    /// <summary>Attempts each task so many times; group after group.</summary>
    /// <param name="seeds">Of the run and the step.</param>
    public async Task<IReadOnlyList<Attempt>> RunAsync(
        IReadOnlyList<RolloutTask> tasks,
        int count,
        float temperature,
        (long Run, long Step) seeds,
        CancellationToken cancellationToken
    )
    {
        var attempts = tasks
            .SelectMany((task, group) => Enumerable.Range(0, count).Select(number => new Attempt(task, group, number)))
            .ToList();
        for (var turn = 0; ; turn++)
        {
            foreach (var attempt in attempts.Where(attempt => !attempt.IsOver && !HasRoom(attempt)))
            {
                attempt.Fail(
                    $"'{attempt.Task.Id}' has {attempt.Tokens.Count} tokens before turn {turn + 1}; with {options.MaxTokens} more the "
                        + $"context of {port.Limits.MaxPositions} is too short."
                );
            }

            var active = attempts.Where(attempt => !attempt.IsOver).ToList();
            if (active.Count == 0)
            {
                return attempts;
            }

            await DrawAsync(active, turn, temperature, seeds, cancellationToken).ConfigureAwait(false);
            await Parallel
                .ForEachAsync(
                    active,
                    new ParallelOptions { MaxDegreeOfParallelism = options.JudgesAtOnce, CancellationToken = cancellationToken },
                    (attempt, token) => JudgeAsync(attempt, token)
                )
                .ConfigureAwait(false);
            foreach (var attempt in active.Where(attempt => !attempt.IsOver && turn + 1 == options.MaxTurns))
            {
                attempt.Fail($"'{attempt.Task.Id}' is not over after {options.MaxTurns} turns.");
            }
        }
    }

    private bool HasRoom(Attempt attempt) =>
        attempt.Tokens.Count > 0 && !(attempt.Tokens.Count + options.MaxTokens > port.Limits.MaxPositions);

    private async Task DrawAsync(
        List<Attempt> active,
        int turn,
        float temperature,
        (long Run, long Step) seeds,
        CancellationToken cancellationToken
    )
    {
        // In the first turn the attempts at a task have one prompt; then each has its own.
        var groups =
            turn == 0
                ? active.GroupBy(attempt => attempt.Group).Select(group => group.ToList()).ToList()
                : [.. active.Select(attempt => new List<Attempt> { attempt })];
        var requests = new List<SamplingRequest>(groups.Count);
        foreach (var group in groups)
        {
            var first = group[0];
            var seed =
                turn == 0
                    ? new SeededRandom(seeds.Run, seeds.Step, first.Group)
                    : new SeededRandom(seeds.Run, seeds.Step, first.Group, turn, first.Number);
            requests.Add(
                new SamplingRequest(
                    [.. first.Tokens],
                    group.Count,
                    new GenerationOptions
                    {
                        MaxTokens = options.MaxTokens,
                        Temperature = temperature,
                        Seed = (long)(seed.NextDouble() * (1L << 53)),
                        Stop = hasTexts ? options.Stop : [],
                        StopIds = options.StopIds,
                    }
                )
            );
        }

        var drawn = await port.SampleAsync(requests, cancellationToken).ConfigureAwait(false);
        foreach (var (attempt, tokens) in groups.Zip(drawn).SelectMany(pair => pair.First.Zip(pair.Second)))
        {
            attempt.AddTurn(tokens.Tokens, tokens.LogProbabilities, tokens.Text, tokens.Reason);
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
}
