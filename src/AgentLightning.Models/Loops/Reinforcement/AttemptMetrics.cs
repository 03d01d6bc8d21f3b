using AgentLightning.Models.Environments;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>What a step's attempts were like.</summary>
internal static class AttemptMetrics
{
    public static void Add(IReadOnlyList<Attempt> attempts, ReinforcementOptions options, MetricSums metrics)
    {
        var scored = attempts.Where(attempt => attempt.Failure is null).ToList();
        metrics.Mean("failures", attempts.Count - scored.Count, 1);
        foreach (var attempt in scored)
        {
            metrics.Mean(ReinforcementEvent.Reward, attempt.Return(options.Discount), 1);
            metrics.Mean("completions/mean_length", attempt.Drawn.Count, 1);
            metrics.Smallest("completions/min_length", attempt.Drawn.Count);
            metrics.Largest("completions/max_length", attempt.Drawn.Count);
            metrics.Mean("completions/clipped_ratio", attempt.IsTruncated ? 1 : 0, 1);
            metrics.Mean("num_turns/mean", attempt.Turns, 1);
            if (attempt.Tools is { } tools)
            {
                metrics.Mean("tools/call_frequency", tools.Calls, 1);
                metrics.Mean("tools/failure_frequency", tools.Failures, tools.Calls);
            }

            foreach (var (name, value) in attempt.Parts)
            {
                metrics.Mean($"rewards/{name}/mean", value, 1);
            }
        }

        // As the field has it: the mean over groups of the deviation within.
        foreach (var group in scored.GroupBy(attempt => attempt.Group).Where(group => group.Count() > 1))
        {
            var mean = group.Average(attempt => attempt.Return(options.Discount));
            metrics.Mean(
                "reward_std",
                Math.Sqrt(group.Sum(attempt => Math.Pow(attempt.Return(options.Discount) - mean, 2)) / (group.Count() - 1)),
                1
            );
        }

        metrics.Mean("num_tokens", attempts.Sum(attempt => attempt.Drawn.Count), 1);
    }
}
