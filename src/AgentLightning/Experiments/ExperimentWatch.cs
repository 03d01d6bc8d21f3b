using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Jobs;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Experiments;

/// <summary>
/// Looks at the experiments that run and does what their rules say: raises shares, promotes a winner, and rolls back what trips a guard.
/// One server does, under a lease; nobody's request waits for it.
/// </summary>
public sealed partial class ExperimentWatch : IBackgroundJob
{
    /// <summary>Who acts, in records.</summary>
    public const string Actor = "experiment-watch";

    private static readonly Scope s_scope = Scope.Owner(Actor);

    private readonly IExperimentStore _experiments;
    private readonly IDeploymentStore _deployments;
    private readonly ExperimentReader _reader;
    private readonly ExperimentWriter _writer;
    private readonly ILogger _logger;

    public ExperimentWatch(
        IExperimentStore experiments,
        IDeploymentStore deployments,
        IReleaseFigures figures,
        ModelPrices prices,
        Promote promote,
        AuditTrail audit,
        TimeProvider time,
        ILogger<ExperimentWatch> logger
    )
    {
        (_experiments, _deployments, _logger) = (experiments, deployments, logger);
        _reader = new ExperimentReader(experiments, figures, deployments, prices, time);
        _writer = new ExperimentWriter(experiments, deployments, promote, audit, time);
    }

    public string Name => "experiments";

    public TimeSpan? Interval => TimeSpan.FromSeconds(10);

    /// <summary>Whether anything runs; a server on which nothing does writes nothing.</summary>
    public async Task<bool> IsNeededAsync(CancellationToken cancellationToken) =>
        (await _experiments.ListRunningAsync(cancellationToken).ConfigureAwait(false)).Count > 0;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var experiment in await _experiments.ListRunningAsync(cancellationToken).ConfigureAwait(false))
        {
            try
            {
                await JudgeAsync(experiment, cancellationToken).ConfigureAwait(false);
            }
            catch (LightningException e) when (e.Kind is not ErrorKind.Unavailable)
            {
                // One that cannot be judged keeps the others from nothing.
                LogFailed(_logger, experiment.Id, e.Message);
            }
        }
    }

    private async Task JudgeAsync(Experiment experiment, CancellationToken cancellationToken)
    {
        var active = await _deployments.FindActiveAsync(experiment.AgentId, experiment.Slot, cancellationToken).ConfigureAwait(false);
        if (active?.Id != experiment.Control.DeploymentId)
        {
            await EndReplacedAsync(experiment, active, cancellationToken).ConfigureAwait(false);
            return;
        }

        var decision = (await _reader.ReadAsync(experiment, cancellationToken).ConfigureAwait(false)).Decision;
        switch (decision.Action)
        {
            case ExperimentAction.Promote:
                await _writer
                    .PromoteAsync(s_scope, experiment, decision.Variant!, decision.Reason, cancellationToken)
                    .ConfigureAwait(false);
                break;
            case ExperimentAction.RollBack:
                await EndAsync(ExperimentStatus.RolledBack, ExperimentVariant.Control).ConfigureAwait(false);
                break;
            case ExperimentAction.Stop:
                await EndAsync(ExperimentStatus.Stopped, decision.Variant).ConfigureAwait(false);
                break;
            case ExperimentAction.ChangeShares:
                await _writer
                    .ChangeSharesAsync(s_scope, experiment, decision.Shares!, decision.Reason, cancellationToken)
                    .ConfigureAwait(false);
                break;
        }

        if (decision.Action != ExperimentAction.Wait)
        {
            LogDecided(_logger, experiment.Id, EnumText.Of(decision.Action), decision.Reason);
        }

        Task EndAsync(ExperimentStatus status, string? winner) =>
            _writer.EndAsync(s_scope, experiment, status, decision.Reason, winner, cancellationToken);
    }

    /// <summary>Somebody promoted, rolled back or deactivated in the slot, or this job ended between a promotion and the end.</summary>
    private Task EndReplacedAsync(Experiment experiment, Deployment? active, CancellationToken cancellationToken) =>
        active?.ExperimentId == experiment.Id
            ? _writer.EndAsync(s_scope, experiment, ExperimentStatus.Promoted, $"release {active.Id} was promoted", null, cancellationToken)
            : _writer.EndAsync(
                s_scope,
                experiment,
                ExperimentStatus.Stopped,
                active is null ? "the release was deactivated" : $"release {active.Id} became active instead",
                null,
                cancellationToken
            );

    [LoggerMessage(Level = LogLevel.Warning, Message = "Experiment {Experiment}: {Action}, because {Reason}")]
    private static partial void LogDecided(ILogger logger, string experiment, string action, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Experiment {Experiment} could not be judged: {Reason}")]
    private static partial void LogFailed(ILogger logger, string experiment, string reason);
}
