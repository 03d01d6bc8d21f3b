using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Rewards;

/// <summary>Is told of rewards after they are on disk, with the release that had answered.</summary>
public interface IRewardObserver
{
    Task RewardedAsync(Episode episode, Reward reward, CancellationToken cancellationToken);
}

/// <summary>What is asked for when a reward is given.</summary>
/// <param name="Value">−1…1.</param>
/// <param name="Correction">The right answer, if the reviewer knows it.</param>
/// <param name="RewardId">A client's own id makes a repeated request one reward.</param>
public sealed record RewardRequest(
    string EpisodeId, double Value, RewardSource Source = RewardSource.HumanApproval, string? Correction = null, string? Rubric = null,
    string? Evaluator = null, string? Comments = null, string? RewardId = null);

/// <summary>Gives rewards to episodes, one at a time, as people and evaluators do.</summary>
public sealed class RewardService(IEpisodeStore episodes, IRewardStore rewards, EpisodeRecorder recorder, IEnumerable<IRewardObserver> observers, TimeProvider time)
{
    /// <summary>
    /// Stores a reward and tells the observers. An unknown episode is <see cref="ErrorKind.NotFound"/>; a value out of range or not a number is
    /// <see cref="ErrorKind.Invalid"/>. Nothing is stored in either case.
    /// </summary>
    public async Task<Reward> AssignAsync(RewardRequest request, CancellationToken cancellationToken)
    {
        Reward.CheckValue(request.Value);
        var episodeId = Ids.Check(request.EpisodeId, "episode_id");
        var episode = await episodes.FindAsync(episodeId, cancellationToken).ConfigureAwait(false);
        if (episode is null)
        {
            // It may still be on its way to the store.
            await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
            episode = await episodes.FindAsync(episodeId, cancellationToken).ConfigureAwait(false)
                ?? throw LightningException.NotFound($"Episode {episodeId} not found. A reward needs the id of a stored episode.");
        }

        var now = time.GetUtcNow();
        var reward = new Reward
        {
            Id = request.RewardId is null ? Ids.New(now) : Ids.Check(request.RewardId, "reward_id"),
            EpisodeId = episode.Id,
            AgentId = episode.AgentId,
            Source = request.Source,
            Value = request.Value,
            Correction = request.Correction,
            Rubric = request.Rubric,
            Evaluator = request.Evaluator ?? "",
            Comments = request.Comments,
            CreatedAt = now,
        };
        await rewards.AddAsync([reward], cancellationToken).ConfigureAwait(false);
        foreach (var observer in observers)
        {
            await observer.RewardedAsync(episode, reward, cancellationToken).ConfigureAwait(false);
        }

        return reward;
    }
}
