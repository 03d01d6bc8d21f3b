using AgentLightning.Deployments;

namespace AgentLightning.Experiments;

/// <summary>Gathers the figures of an experiment: a few sums, however long it runs.</summary>
internal sealed class ExperimentReader(
    IExperimentStore experiments,
    IReleaseFigures figures,
    IDeploymentStore deployments,
    ModelPrices prices,
    TimeProvider time
)
{
    public async Task<ExperimentReport> ReadAsync(Experiment experiment, CancellationToken cancellationToken)
    {
        string[] ids = [.. experiment.Variants.Select(variant => variant.DeploymentId)];
        var exposures = await experiments.CountExposuresAsync(experiment.Id, cancellationToken).ConfigureAwait(false);
        var releases = await figures.ReadAsync(experiment.AgentId, ids, cancellationToken).ConfigureAwait(false);
        var latencies = await figures.ReadLatenciesAsync(experiment.AgentId, ids, cancellationToken).ConfigureAwait(false);
        var known = new List<(double Prompt, double Completion)?>();
        foreach (var id in ids)
        {
            var release = await deployments.FindAsync(id, cancellationToken).ConfigureAwait(false);
            known.Add(release is null ? null : prices.Of(release.TunedModelName));
        }

        // Money is compared with money: where one has no price, all are compared in tokens.
        var priced = known.TrueForAll(price => price is not null);
        return ExperimentAnalysis.Of(
            experiment,
            [
                .. experiment.Variants.Select(
                    (variant, i) =>
                        VariantFigures.Of(
                            variant,
                            experiment.Rules.Metric,
                            releases[i],
                            latencies[i],
                            priced ? known[i]!.Value : (1, 1),
                            exposures.Where(count => count.Variant == variant.Name).Sum(count => count.Sessions)
                        )
                ),
            ],
            exposures,
            time.GetUtcNow()
        );
    }
}
