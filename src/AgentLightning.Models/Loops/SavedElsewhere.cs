using System.Text.Json.Serialization;

namespace AgentLightning.Models.Loops;

/// <summary>Where a run was saved whose model is not in this process.</summary>
/// <param name="Step">Steps made; lines of the journal up to there stay.</param>
/// <param name="Fingerprint">Of the run.</param>
/// <param name="Weights">Path of the weights with their optimizer, as the other machine names it.</param>
/// <param name="Best">Path of the best weights so far; null before there are any.</param>
internal sealed record SavedElsewhere(
    [property: JsonPropertyName("step")] int Step,
    [property: JsonPropertyName("fingerprint")] string Fingerprint,
    [property: JsonPropertyName("weights")] string Weights,
    [property: JsonPropertyName("best")] string? Best
);
