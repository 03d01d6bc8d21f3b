namespace AgentLightning.Experiments;

/// <summary>What an experiment is to do now.</summary>
public enum ExperimentAction
{
    /// <summary>Nothing: it is too early to tell.</summary>
    Wait,

    /// <summary>Give the variants other shares.</summary>
    ChangeShares,

    /// <summary>Let the variant serve everybody.</summary>
    Promote,

    /// <summary>End it, because what is tried is worse.</summary>
    RollBack,

    /// <summary>End it without a change.</summary>
    Stop,
}

/// <summary>What the rules say of the figures.</summary>
/// <param name="Variant">Who wins, of <see cref="ExperimentAction.Promote"/> and, where the control is best, of a stop.</param>
/// <param name="Shares">The new ones, of <see cref="ExperimentAction.ChangeShares"/>.</param>
public sealed record ExperimentDecision(
    ExperimentAction Action,
    string Reason,
    string? Variant = null,
    IReadOnlyDictionary<string, double>? Shares = null
);

/// <summary>Whether the sessions came to the variants as the shares say.</summary>
/// <param name="PValue">Of the chi-square test over all phases; 1 while there are too few sessions.</param>
/// <param name="Mismatch">True when chance does not explain it: something loses sessions of one side, and no figure can be trusted.</param>
public sealed record SampleRatio(double PValue, bool Mismatch);

/// <summary>An experiment with its figures and what follows from them.</summary>
/// <param name="Variants">The control first.</param>
/// <param name="Comparisons">Each candidate beside the control.</param>
public sealed record ExperimentReport(
    Experiment Experiment,
    IReadOnlyList<VariantFigures> Variants,
    IReadOnlyList<CandidateComparison> Comparisons,
    SampleRatio SampleRatio,
    ExperimentDecision Decision
);
