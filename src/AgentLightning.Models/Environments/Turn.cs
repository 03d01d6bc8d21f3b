using AgentLightning.Models.Environments.Tools;

namespace AgentLightning.Models.Environments;

/// <summary>What came of a turn of the model.</summary>
/// <param name="Reward">How good it was; not a number when that cannot be said, and then the attempt is counted and not learned
/// from.</param>
/// <param name="Observation">Token ids that the model reads before its next turn; null when this was the last.</param>
/// <param name="Parts">What the reward is made of, by name; null when there is nothing to tell.</param>
public sealed record Turn(double Reward, int[]? Observation = null, IReadOnlyDictionary<string, double>? Parts = null)
{
    /// <summary>What came of the tools that it called; null where there are none to call.</summary>
    public ToolUse? Tools { get; init; }

    /// <summary>The last turn, with its reward.</summary>
    public static Turn Last(double reward) => new(reward);
}
