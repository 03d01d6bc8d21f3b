using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Loops.Preferences;

/// <summary>How a language model learns from preferences.</summary>
public sealed record PreferenceOptions : ComparisonOptions
{
    /// <summary>The loss of a pair; the sigmoid of Rafailov et al. with β = 0.1 by default.</summary>
    public PreferenceLoss Loss { get; init; } = new();

    private protected override IEnumerable<(bool Right, string Rule, object Seen)> OwnChecks() =>
        [
            (BatchSize >= 1, "the pairs per update must be at least 1", BatchSize),
            (Loss.Beta is > 0 and < double.PositiveInfinity, "β must be above 0", Loss.Beta),
            (Loss.Smoothing is >= 0 and < 0.5, "the smoothing must be from 0 to below 0.5", Loss.Smoothing),
        ];
}
