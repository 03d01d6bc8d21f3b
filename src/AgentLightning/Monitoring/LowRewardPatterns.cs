namespace AgentLightning.Monitoring;

/// <summary>A kind of episode that is rewarded worse than the rest.</summary>
/// <param name="Pattern">What its episodes share: one or more of <c>intent</c>, <c>persona</c> and <c>model</c>; "" where they have
/// none.</param>
/// <param name="AverageReward">−1…1.</param>
/// <param name="RestAverageReward">Of all other episodes of the period.</param>
/// <param name="Shortfall">The difference of the two.</param>
/// <param name="ShortfallAtLeast">The difference less three standard errors: more than 0.</param>
/// <param name="Examples">Ids of episodes with the lowest rewards, lowest first.</param>
public sealed record LowRewardPattern(
    IReadOnlyDictionary<string, string> Pattern,
    long Episodes,
    long Rewards,
    double AverageReward,
    long RestRewards,
    double RestAverageReward,
    double Shortfall,
    double ShortfallAtLeast,
    IReadOnlyList<string> Examples
);

/// <summary>
/// Finds kinds of episodes whose mean reward lies below the mean of the rest beyond chance. A kind is any combination of intent, persona
/// and model. It counts when it and the rest have at least <see cref="FewestRewards"/> rewards and the difference of the means is more than
/// three standard errors, √(v/n + v′/n′) with the variances not below 0.01: for a kind that is not worse, the chance of that is about one
/// in a thousand. A kind inside one that was already found counts only when it is, by the same rule, also worse than what is left of that
/// one. Worst is first: the greatest difference that is certain.
/// </summary>
internal static class LowRewardPatterns
{
    public const int FewestRewards = 10;

    private const double StandardErrors = 3;
    private const double LeastVariance = 0.01;

    private static readonly TotalsBy[] s_kinds =
    [
        TotalsBy.Intent,
        TotalsBy.Persona,
        TotalsBy.Model,
        TotalsBy.Intent | TotalsBy.Persona,
        TotalsBy.Intent | TotalsBy.Model,
        TotalsBy.Persona | TotalsBy.Model,
        TotalsBy.Intent | TotalsBy.Persona | TotalsBy.Model,
    ];

    /// <param name="cells">The totals by intent, persona and model.</param>
    public static IReadOnlyList<LowGroup> Find(IReadOnlyList<TotalsGroup> cells)
    {
        var all = cells.Aggregate(RewardTotals.Empty, (sum, cell) => sum + cell.Totals);
        var found = new List<LowGroup>();
        // Wide ones first, so that a narrow one is held against the wide ones around it.
        foreach (var kind in s_kinds)
        {
            var groups = cells
                .GroupBy(cell => Cut(cell, kind))
                .Select(group => group.Key with { Totals = group.Aggregate(RewardTotals.Empty, (sum, cell) => sum + cell.Totals) })
                .ToList();
            var wide = found.ToList();
            found.AddRange(
                from candidate in groups
                let atLeast = Shortfall(candidate.Totals, all - candidate.Totals)
                where
                    atLeast > 0
                    && wide.Where(outer => Contains(outer.Group, candidate))
                        .All(outer => Shortfall(candidate.Totals, outer.Group.Totals - candidate.Totals) > 0)
                select new LowGroup(candidate, all - candidate.Totals, atLeast.Value)
            );
        }

        return [.. found.OrderByDescending(low => low.ShortfallAtLeast)];
    }

    /// <summary>
    /// By how much the mean of <paramref name="group"/> is certainly below that of <paramref name="rest"/>; null when too little is known.
    /// </summary>
    private static double? Shortfall(RewardTotals group, RewardTotals rest) =>
        group.Rewards < FewestRewards || rest.Rewards < FewestRewards
            ? null
            : rest.Mean
                - group.Mean
                - (
                    StandardErrors
                    * Math.Sqrt(
                        (Math.Max(group.Variance, LeastVariance) / group.Rewards) + (Math.Max(rest.Variance, LeastVariance) / rest.Rewards)
                    )
                );

    private static TotalsGroup Cut(TotalsGroup cell, TotalsBy kind) =>
        new(
            null,
            kind.HasFlag(TotalsBy.Model) ? cell.Model : null,
            kind.HasFlag(TotalsBy.Intent) ? cell.Intent : null,
            kind.HasFlag(TotalsBy.Persona) ? cell.Persona : null,
            RewardTotals.Empty
        );

    private static bool Contains(TotalsGroup outer, TotalsGroup inner) =>
        (outer.Model ?? inner.Model) == inner.Model
        && (outer.Intent ?? inner.Intent) == inner.Intent
        && (outer.Persona ?? inner.Persona) == inner.Persona;

    internal sealed record LowGroup(TotalsGroup Group, RewardTotals Rest, double ShortfallAtLeast);
}
