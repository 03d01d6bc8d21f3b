using System.Text.Json.Serialization;

namespace AgentLightning.Models.Loops;

/// <summary>A line of a run's journal: an update, or an evaluation after so many updates. What does not belong to it is null.</summary>
/// <param name="Step">Updates made so far.</param>
/// <param name="Loss">Mean −ln p over the tokens learned in this update, weighted.</param>
/// <param name="Tokens">Tokens learned in this update.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="HeldOutLoss">Mean −ln p over the tokens of the held-out examples, unweighted.</param>
/// <param name="Seconds">Since the run was begun or resumed.</param>
public sealed record FineTuningEvent(
    [property: JsonPropertyName("step")] int Step,
    [property: JsonPropertyName("steps")] int Steps,
    [property: JsonPropertyName("loss")] double? Loss,
    [property: JsonPropertyName("tokens")] int? Tokens,
    [property: JsonPropertyName("learning_rate")] float? LearningRate,
    [property: JsonPropertyName("gradient_norm")] double? GradientNorm,
    [property: JsonPropertyName("held_out_loss")] double? HeldOutLoss,
    [property: JsonPropertyName("seconds")] double Seconds
);
