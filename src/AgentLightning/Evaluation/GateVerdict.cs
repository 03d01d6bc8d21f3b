namespace AgentLightning.Evaluation;

/// <summary>What the gate says in a word. Stored as these words.</summary>
public enum GateOutcome
{
    /// <summary>It is not worse by more than the margin.</summary>
    Passed,

    /// <summary>It is worse.</summary>
    Worse,

    /// <summary>The held-out set is too small to tell.</summary>
    TooSmall,
}

/// <summary>How often the gate is wrong, and what it can see at all.</summary>
/// <param name="Look">The how manyth look at this held-out set it is, from 1: each may be wrong less often than the one before.</param>
/// <param name="FalsePass">How often a candidate that is worse by exactly the margin is let through.</param>
/// <param name="Margin">How much worse is tolerated.</param>
/// <param name="FalsePassAtTwice">How often one that is worse by twice the margin is.</param>
/// <param name="Detectable">The smallest difference that so many items show with a chance of 80 %.</param>
/// <param name="ItemsNeeded">About how many items it takes to show the margin; null where that cannot be said.</param>
public sealed record GateErrors(long Look, double FalsePass, double Margin, double FalsePassAtTwice, double Detectable, long? ItemsNeeded);

/// <summary>The verdict on a candidate.</summary>
public sealed record GateVerdict(bool Passed, string Reason)
{
    /// <summary>The verdict in a word.</summary>
    public GateOutcome Outcome { get; init; } = Passed ? GateOutcome.Passed : GateOutcome.Worse;

    /// <summary>How far it can be trusted; null of verdicts that are older than this statement.</summary>
    public GateErrors? Errors { get; init; }
}
