using AgentLightning.Common;

namespace AgentLightning.Rewards;

/// <summary>Who or what gave a reward. Stored as snake_case words; only ever add.</summary>
public enum RewardSource
{
    EvalScore,
    HumanApproval,
    SafetyCheck,
    TestResult,
    CostPenalty,
    LatencyPenalty,
    GoldenConversation,

    /// <summary>
    /// Computed from how an answer looks and how the conversation went on; it counts only as long as nobody judged the answer.
    /// </summary>
    ImplicitSignals,
}

/// <summary>What the sources have to do with one another.</summary>
public static class RewardSources
{
    /// <summary>
    /// A reward of a judge (a person, an evaluator, a test) also supersedes what was computed from signals; penalties judge nothing.
    /// </summary>
    public static bool IsJudgement(this RewardSource source) =>
        source is not (RewardSource.ImplicitSignals or RewardSource.CostPenalty or RewardSource.LatencyPenalty);
}

/// <summary>A number given to an episode by a named source.</summary>
public sealed record Reward
{
    public required string Id { get; init; }

    public required string EpisodeId { get; init; }

    public required string AgentId { get; init; }

    public required RewardSource Source { get; init; }

    /// <summary>Canonical scale, −1 (as bad as can be) … 1 (as good as can be).</summary>
    public required double Value { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The value as it was given, on <see cref="Scale"/>; null when it was given on the canonical scale.</summary>
    public double? RawValue { get; init; }

    /// <summary>The scale of <see cref="RawValue"/>, for example <c>0..1</c>.</summary>
    public string? Scale { get; init; }

    /// <summary>The right answer, where the reviewer said it.</summary>
    public string? Correction { get; init; }

    public string? Rubric { get; init; }

    /// <summary>Which reviewer or evaluator of the source; empty when there is but one.</summary>
    public string Evaluator { get; init; } = "";

    public string? Comments { get; init; }

    /// <summary>False when a later reward of the same source and evaluator superseded it.</summary>
    public bool IsCurrent { get; init; } = true;

    /// <summary>Checks the value as it comes from outside.</summary>
    public static double CheckValue(double value) =>
        value is >= -1 and <= 1
            ? value
            : throw LightningException.Invalid(
                $"reward must be a number from -1 to 1, but it is {value.ToString(System.Globalization.CultureInfo.InvariantCulture)}."
            );
}

/// <summary>The least and the greatest of some rewards.</summary>
public sealed record RewardRange(double Min, double Max);

/// <summary>The rewards of one release, or of several: how many, their mean and their variance (n − 1; 0 below two).</summary>
public sealed record RewardSummary(long Count, double Mean, double Variance);
