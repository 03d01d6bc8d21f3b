using System.Globalization;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>What tools may take, and what comes of their failures.</summary>
public sealed record ToolOptions
{
    /// <summary>
    /// Most turns of the model, its answer included, at least 2; 4 by default. In the last no tool is run: what is said there is judged. No
    /// more than the turns of the loop.
    /// </summary>
    public int MaxTurns { get; init; } = 4;

    /// <summary>Most calls of one turn, at least 1; 4 by default. Those beyond fail.</summary>
    public int MaxCalls { get; init; } = 4;

    /// <summary>Longest time of a call, greater than 0; 10 seconds by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most tokens of a result, at least 1; 512 by default. The rest is cut off, and the model is told.</summary>
    public int MaxResultTokens { get; init; } = 512;

    /// <summary>
    /// When a tool throws or takes too long, ends the attempt: it is counted as failed and not learned from. Off by default: the model is
    /// told, as it is of calls that are wrong by its own doing.
    /// </summary>
    public bool FailuresEndAttempt { get; init; }

    /// <summary>Reward of a turn whose calls all did something; 0 by default.</summary>
    public double CallReward { get; init; }

    /// <summary>Reward of a turn in which a call failed; 0 by default.</summary>
    public double FailureReward { get; init; }

    internal void Validate()
    {
        (bool Right, string Rule, object Seen)[] checks =
        [
            (MaxTurns >= 2, "the most turns must be at least 2", MaxTurns),
            (MaxCalls >= 1, "the most calls must be at least 1", MaxCalls),
            (Timeout > TimeSpan.Zero, "the time of a call must be above 0", Timeout),
            (MaxResultTokens >= 1, "the most tokens of a result must be at least 1", MaxResultTokens),
            (double.IsFinite(CallReward), "the reward of a call must be finite", CallReward),
            (double.IsFinite(FailureReward), "the reward of a failure must be finite", FailureReward),
        ];
        var errors = checks
            .Where(check => !check.Right)
            .Select(check => string.Create(CultureInfo.InvariantCulture, $"{check.Rule}, but it is {check.Seen}"))
            .ToList();
        if (errors.Count > 0)
        {
            throw new ArgumentException($"The options of the tools are wrong: {string.Join("; ", errors)}.");
        }
    }
}
