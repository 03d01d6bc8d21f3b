using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Experiments;

namespace AgentLightning.Server.Experiments;

/// <summary>Runs to try on a part of the traffic.</summary>
/// <param name="RunId">The training run to try; it or <paramref name="RunIds"/> is required.</param>
/// <param name="RunIds">Several.</param>
/// <param name="Split">The percentage of sessions that the candidates get, 20 by default; instead of <c>rules.steps</c>.</param>
/// <param name="Rules">When it ends, and how; what is left out has its default.</param>
/// <param name="Force">Tries what the gate has not passed; the record says so.</param>
public sealed record StartExperimentBody(
    string? AgentId,
    string? RunId,
    IReadOnlyList<string>? RunIds = null,
    double? Split = null,
    ExperimentRules? Rules = null,
    string? StartedBy = null,
    bool Force = false,
    string? ForceReason = null,
    string? Slot = null
)
{
    public StartExperimentRequest ToRequest()
    {
        var rules = Rules ?? new ExperimentRules();
        return new StartExperimentRequest(
            AgentId,
            RunIds is { Count: > 0 } && RunId is not null
                ? throw LightningException.Invalid("run_id and run_ids both say what is tried; give one of them.")
                : RunIds ?? [Ids.Check(RunId, "run_id")],
            Split is { } percent ? rules with { Steps = [percent] } : rules,
            StartedBy,
            Force,
            ForceReason,
            Slot ?? Deployment.DefaultSlot
        );
    }
}

/// <summary>An experiment to end.</summary>
/// <param name="ExperimentId">Which one; the one that runs by default.</param>
/// <param name="Promote">A candidate that is to serve everybody; without it what served before does.</param>
public sealed record StopExperimentBody(
    string? AgentId,
    string? ExperimentId = null,
    string? Promote = null,
    string? Reason = null,
    string? Slot = null
)
{
    public StopExperimentRequest ToRequest() => new(AgentId, ExperimentId, Promote, Reason, Slot ?? Deployment.DefaultSlot);
}

/// <summary>Another share for the candidates of an experiment.</summary>
/// <param name="Percent">What they get together, above 0 and below 100; required.</param>
public sealed record StepExperimentBody(
    string? AgentId,
    double? Percent,
    string? ExperimentId = null,
    string? Reason = null,
    string? Slot = null
)
{
    public StepExperimentRequest ToRequest() =>
        new(
            AgentId,
            Percent ?? throw LightningException.Invalid("percent is required: what the candidates get together, above 0 and below 100."),
            ExperimentId,
            Reason,
            Slot ?? Deployment.DefaultSlot
        );
}

/// <summary>How a variant did since the experiment began.</summary>
/// <param name="Share">Of the sessions, now.</param>
/// <param name="Sessions">That it answered.</param>
/// <param name="MetricMean">Of the metric, over <paramref name="MetricCount"/> values.</param>
/// <param name="CostPerEpisode">In the currency of the prices, or in tokens where not every model has a price.</param>
public sealed record VariantItem(
    string Name,
    string DeploymentId,
    double Share,
    long Sessions,
    long Episodes,
    double ErrorRate,
    long MetricCount,
    double MetricMean,
    double P95LatencyMs,
    double CostPerEpisode
)
{
    public static VariantItem Of(VariantFigures figures) =>
        new(
            figures.Variant.Name,
            figures.Variant.DeploymentId,
            figures.Variant.Share,
            figures.Sessions,
            figures.Release.Episodes,
            figures.Release.ErrorRate,
            figures.MetricCount,
            figures.MetricMean,
            figures.P95LatencyMs,
            figures.CostPerEpisode
        );
}

/// <summary>An experiment with its figures, and what its rules say of them now.</summary>
public sealed record ExperimentResponse(
    Experiment Experiment,
    IReadOnlyList<VariantItem> Variants,
    IReadOnlyList<CandidateComparison> Comparisons,
    SampleRatio SampleRatio,
    ExperimentDecision Decision
)
{
    public static ExperimentResponse Of(ExperimentReport report) =>
        new(report.Experiment, [.. report.Variants.Select(VariantItem.Of)], report.Comparisons, report.SampleRatio, report.Decision);
}

/// <summary>Experiments, newest first.</summary>
public sealed record ExperimentListResponse(string AgentId, int ExperimentsFound, IReadOnlyList<Experiment> Experiments)
{
    public static ExperimentListResponse Of(ExperimentList list) => new(list.AgentId, list.Experiments.Count, list.Experiments);
}
