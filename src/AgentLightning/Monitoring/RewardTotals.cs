namespace AgentLightning.Monitoring;

/// <summary>What is counted apart.</summary>
[Flags]
public enum TotalsBy
{
    None = 0,
    Day = 1,
    Model = 2,
    Intent = 4,
    Persona = 8,
}

/// <summary>Exact counts and sums of episodes and of their current rewards.</summary>
/// <param name="Failed">Episodes that did not succeed.</param>
/// <param name="RewardSum">Of the canonical values, −1…1.</param>
/// <param name="Excellent">Rewards of <see cref="Common.RewardBands.Excellent"/> and more.</param>
/// <param name="Good">Rewards from <see cref="Common.RewardBands.Good"/> on that are not excellent; the others are poor.</param>
public sealed record RewardTotals(
    long Episodes,
    long Failed,
    long Rewards,
    double RewardSum,
    double RewardSquares,
    long Excellent,
    long Good
)
{
    public static RewardTotals Empty { get; } = new(0, 0, 0, 0, 0, 0, 0);

    public long Poor => Rewards - Excellent - Good;

    /// <summary>Null without rewards.</summary>
    public double? Mean => Rewards == 0 ? null : RewardSum / Rewards;

    /// <summary>n − 1; 0 below two.</summary>
    public double Variance => Rewards < 2 ? 0 : Math.Max(0, (RewardSquares - (RewardSum * RewardSum / Rewards)) / (Rewards - 1));

    public static RewardTotals operator +(RewardTotals a, RewardTotals b) =>
        new(
            a.Episodes + b.Episodes,
            a.Failed + b.Failed,
            a.Rewards + b.Rewards,
            a.RewardSum + b.RewardSum,
            a.RewardSquares + b.RewardSquares,
            a.Excellent + b.Excellent,
            a.Good + b.Good
        );

    public static RewardTotals operator -(RewardTotals a, RewardTotals b) =>
        new(
            a.Episodes - b.Episodes,
            a.Failed - b.Failed,
            a.Rewards - b.Rewards,
            a.RewardSum - b.RewardSum,
            a.RewardSquares - b.RewardSquares,
            a.Excellent - b.Excellent,
            a.Good - b.Good
        );
}

/// <summary>
/// The totals of what shares the parts that were asked for; the other parts are null. A part that an episode does not have is "".
/// </summary>
public sealed record TotalsGroup(DateOnly? Day, string? Model, string? Intent, string? Persona, RewardTotals Totals);

/// <summary>
/// Reads the totals that are kept with the rows they count. A day is the UTC day of the episode, whenever its rewards came.
/// </summary>
public interface IRewardTotals
{
    /// <summary>The agents that have, or had, episodes, in the order of their names.</summary>
    Task<IReadOnlyList<string>> AgentsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The totals of a period, one for each combination that there is; of all agents when <paramref name="agentId"/> is null.
    /// </summary>
    Task<IReadOnlyList<TotalsGroup>> SumAsync(string? agentId, MonitoringPeriod period, TotalsBy by, CancellationToken cancellationToken);

    /// <summary>
    /// Up to <paramref name="count"/> episodes of the group with the lowest rewards, from the day on which its rewards were lowest, lowest
    /// first.
    /// </summary>
    /// <param name="group">Its null parts may be anything.</param>
    Task<IReadOnlyList<string>> FindWorstAsync(
        string? agentId,
        MonitoringPeriod period,
        TotalsGroup group,
        int count,
        CancellationToken cancellationToken
    );
}
