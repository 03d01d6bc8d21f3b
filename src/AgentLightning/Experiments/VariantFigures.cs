using AgentLightning.Deployments;

namespace AgentLightning.Experiments;

/// <summary>How a variant did, over the episodes that its release served since the experiment began.</summary>
/// <param name="MetricCount">Values of the metric: rewards, or episodes.</param>
/// <param name="MetricMean">Their mean.</param>
/// <param name="MetricVariance">Their variance.</param>
/// <param name="P95LatencyMs">Milliseconds, rounded up to the edge of a bucket.</param>
/// <param name="CostPerEpisode">In the currency of the price list, or in tokens where the model has no price.</param>
/// <param name="Sessions">Sessions that it answered.</param>
public sealed record VariantFigures(
    ExperimentVariant Variant,
    ReleaseFigures Release,
    LatencyCounts Latencies,
    long MetricCount,
    double MetricMean,
    double MetricVariance,
    double P95LatencyMs,
    double CostPerEpisode,
    double CostVariance,
    long Sessions
)
{
    /// <param name="price">What a token read and a token written cost; both 1 where no price is known.</param>
    public static VariantFigures Of(
        ExperimentVariant variant,
        ExperimentMetric metric,
        ReleaseFigures release,
        LatencyCounts latencies,
        (double Prompt, double Completion) price,
        long sessions
    )
    {
        var tokens = release.PromptTokens + release.CompletionTokens;
        var cost =
            release.Episodes == 0
                ? 0
                : ((release.PromptTokens * price.Prompt) + (release.CompletionTokens * price.Completion)) / release.Episodes;
        // Only the spread of all tokens of an episode is kept; that of the cost has the same proportion to its mean.
        var meanTokens = release.Episodes == 0 ? 0 : (double)tokens / release.Episodes;
        var spread = meanTokens == 0 ? 0 : release.TokenVariance * Math.Pow(cost / meanTokens, 2);
        var (count, mean, variance) =
            metric == ExperimentMetric.Reward
                ? (release.Rewards.Count, release.Rewards.Mean, Smooth(release.Rewards.Variance, release.Rewards.Count))
                : (release.Episodes, 1 - release.ErrorRate, OfShare(release.ErrorRate, release.Episodes));
        return new VariantFigures(variant, release, latencies, count, mean, variance, latencies.Percentile(0.95), cost, spread, sessions);
    }

    /// <summary>The variance of rewards, with four values of one quarter's spread beforehand: a few equal ones prove little.</summary>
    internal static double Smooth(double variance, long n) => ((variance * n) + 1) / (n + 4);

    /// <summary>The variance of yes and no, with one of each beforehand.</summary>
    internal static double OfShare(double share, long n)
    {
        var smooth = ((share * n) + 1) / (n + 2);
        return smooth * (1 - smooth);
    }
}
