using AgentLightning.Models.Loops.Reinforcement;

namespace AgentLightning.Cli.Commands;

/// <summary>What came of learning from pairs or answers.</summary>
internal sealed record ComparisonResult(string Out, int Items, int HeldOut, int Steps, IReadOnlyList<ReinforcementEvent> Journal)
{
    /// <summary>The last value of a metric; null where there is none.</summary>
    public double? Last(string name) => Journal.Select(line => line.Find(name)).LastOrDefault(value => value is not null);
}
