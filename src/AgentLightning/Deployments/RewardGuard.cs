using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Deployments;

/// <summary>When a release counts as bad.</summary>
public sealed record RewardGuardOptions
{
    /// <summary>Fewest rewards of the release, and of the one before it, before the guard judges, 5…100,000; 20 by default.</summary>
    public int FewestRewards { get; init; } = 20;

    /// <summary>
    /// Newest rewards that the running mean is taken over, from <see cref="FewestRewards"/> to 1,000,000; 500 by default.
    /// </summary>
    public int Window { get; init; } = 500;

    /// <summary>Fall of the mean reward below the release before that is tolerated, 0…2; 0.1 by default.</summary>
    public double Tolerance { get; init; } = 0.1;

    /// <summary>Chance of a false alarm over the life of a release, 0.0001…0.2; 0.01 by default.</summary>
    public double Alpha { get; init; } = 0.01;

    internal void Validate()
    {
        Check("FewestRewards", FewestRewards is >= 5 and <= 100_000, "from 5 to 100000", FewestRewards);
        Check("Window", Window >= FewestRewards && Window <= 1_000_000, "from FewestRewards to 1000000", Window);
        Check("Tolerance", Tolerance is >= 0 and <= 2, "from 0 to 2", Tolerance);
        Check("Alpha", Alpha is >= 0.0001 and <= 0.2, "from 0.0001 to 0.2", Alpha);

        static void Check(string name, bool good, string range, object value)
        {
            if (!good)
            {
                throw LightningException.Invalid(
                    string.Create(CultureInfo.InvariantCulture, $"{name} of the reward guard must be {range}, but it is {value}.")
                );
            }
        }
    }
}

/// <summary>
/// Watches the running reward of the active release and rolls it back when it is worse than that of the release before it, beyond chance.
/// It looks after every reward, so the bound around the mean is a confidence sequence, which holds however often one looks
/// (<see cref="ConfidenceSequence"/>). It is exact while the window has not slid, and close to it after.
/// </summary>
public sealed partial class RewardGuard : IRewardObserver
{
    private readonly IDeploymentStore _deployments;
    private readonly Rollback _rollback;
    private readonly IRewardStore _rewards;
    private readonly RewardGuardOptions _options;
    private readonly ILogger _logger;

    public RewardGuard(
        IDeploymentStore deployments,
        Rollback rollback,
        IRewardStore rewards,
        RewardGuardOptions options,
        ILogger<RewardGuard> logger
    )
    {
        options.Validate();
        (_deployments, _rollback, _rewards, _options, _logger) = (deployments, rollback, rewards, options, logger);
    }

    /// <summary>
    /// Judges the release that answered the rewarded episode. A failure of the guard is logged and never fails the reward.
    /// </summary>
    public async Task RewardedAsync(EpisodeOrigin episode, Reward reward, CancellationToken cancellationToken)
    {
        if (episode.DeploymentId is null)
        {
            return;
        }

        try
        {
            await CheckAsync(episode.DeploymentId, cancellationToken).ConfigureAwait(false);
        }
        catch (LightningException e)
        {
            LogFailure(_logger, episode.DeploymentId, e.Message);
        }
    }

    /// <summary>
    /// Rolls the release back if it is active and its running reward is bad. Returns the release that took its place, or null.
    /// </summary>
    public async Task<Deployment?> CheckAsync(string deploymentId, CancellationToken cancellationToken)
    {
        var release = await _deployments.FindAsync(deploymentId, cancellationToken).ConfigureAwait(false);
        // A release that a rollback brought back is the best there is; leaving it too would only walk further into the past.
        if (release is not { IsActive: true, Replaces: not null, RollbackFrom: null })
        {
            return null;
        }

        if ((await _deployments.FindAsync(release.Replaces, cancellationToken).ConfigureAwait(false))?.ServesAs(release) == true)
        {
            // The same model as before, as an experiment releases it anew: there is nothing better to go back to.
            return null;
        }

        var now = await _rewards.SummariseDeploymentAsync(release.Id, _options.Window, cancellationToken).ConfigureAwait(false);
        if (now.Count < _options.FewestRewards)
        {
            return null;
        }

        var before = await _rewards.SummariseDeploymentAsync(release.Replaces, _options.Window, cancellationToken).ConfigureAwait(false);
        if (before.Count < _options.FewestRewards || now.Mean + Radius(now) >= before.Mean - _options.Tolerance)
        {
            return null;
        }

        var reason = string.Create(
            CultureInfo.InvariantCulture,
            $"running reward {now.Mean:0.000} (at most {now.Mean + Radius(now):0.000}, {now.Count} rewards) fell below "
                + $"{before.Mean:0.000} of the release before by more than {_options.Tolerance:0.00}"
        );
        LogRollback(_logger, release.Id, reason);
        // Not whoever gave the last reward: it is the guard that decides.
        return await _rollback
            .ExecuteAsync(
                Scope.Owner("reward-guard"),
                new RollbackRequest(release.AgentId, Reason: reason, ExpectedActiveId: release.Id, Slot: release.Slot),
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private double Radius(RewardSummary rewards) => ConfidenceSequence.OfMean(rewards.Count, rewards.Variance, _options.Alpha);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Release {Deployment} is rolled back: {Reason}")]
    private static partial void LogRollback(ILogger logger, string deployment, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The reward guard could not judge release {Deployment}: {Reason}")]
    private static partial void LogFailure(ILogger logger, string deployment, string reason);
}
