using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Loops.Preferences;

/// <summary>How a language model learns from answers that are good or bad by themselves.</summary>
public sealed record ProspectOptions : ComparisonOptions
{
    /// <summary>
    /// The loss of an answer; that of Ethayarajh et al. with β = 0.1 by default. Its reference point is found in each update.
    /// </summary>
    public ProspectLoss Loss { get; init; } = new();

    private protected override IEnumerable<(bool Right, string Rule, object Seen)> OwnChecks() =>
        [
            (
                BatchSize >= 2,
                "the answers per update must be at least 2, because the reference point comes from answers to other prompts",
                BatchSize
            ),
            (Loss.Beta is > 0 and < double.PositiveInfinity, "β must be above 0", Loss.Beta),
            (Loss.GoodWeight is > 0 and < double.PositiveInfinity, "the weight of good answers must be above 0", Loss.GoodWeight),
            (Loss.BadWeight is > 0 and < double.PositiveInfinity, "the weight of bad answers must be above 0", Loss.BadWeight),
        ];
}
