using System.Text.Json.Serialization;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>A line of a run's journal: a step, or an evaluation after so many steps.</summary>
/// <param name="Step">Steps made so far.</param>
/// <param name="Seconds">Since the run was begun or resumed.</param>
/// <param name="Metrics">Under the names that they have in the field.</param>
/// <param name="Alarms">What seems to go wrong, and what to do about it; null when nothing does.</param>
public sealed record ReinforcementEvent(
    [property: JsonPropertyName("step")] int Step,
    [property: JsonPropertyName("steps")] int Steps,
    [property: JsonPropertyName("seconds")] double Seconds,
    [property: JsonPropertyName("metrics")] IReadOnlyDictionary<string, double> Metrics,
    [property: JsonPropertyName("alarms")] IReadOnlyList<string>? Alarms = null
)
{
    /// <summary>Metric of the mean return of a step's attempts.</summary>
    public const string Reward = "reward";

    /// <summary>Metric of the share of held-out tasks that are right.</summary>
    public const string Accuracy = "held_out/accuracy";

    /// <summary>A metric, or null where the line does not have it.</summary>
    public double? Find(string name) => Metrics.TryGetValue(name, out var value) ? value : null;
}
