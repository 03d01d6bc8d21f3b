using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Rewards;

/// <summary>Is told of rewards after they are on disk, with the release that had answered.</summary>
public interface IRewardObserver
{
    Task RewardedAsync(EpisodeOrigin episode, Reward reward, CancellationToken cancellationToken);
}

/// <summary>What is asked for when a reward is given.</summary>
/// <param name="Value">−1…1, or on <paramref name="Scale"/> where that is given: then it is normalised, and kept as it was given beside
/// it.</param>
/// <param name="Correction">The right answer, if the reviewer knows it.</param>
/// <param name="RewardId">A client's own id makes a repeated request one reward.</param>
/// <param name="CreatedAt">When it was given; now when absent or later than now.</param>
public sealed record RewardRequest(
    string EpisodeId,
    double Value,
    RewardSource Source = RewardSource.HumanApproval,
    string? Correction = null,
    string? Rubric = null,
    string? Evaluator = null,
    string? Comments = null,
    string? RewardId = null,
    DateTimeOffset? CreatedAt = null,
    RewardScale? Scale = null
)
{
    /// <summary>On the canonical scale; a value out of range or not a number is <see cref="ErrorKind.Invalid"/>.</summary>
    internal double CanonicalValue => Scale is null ? Reward.CheckValue(Value) : Scale.ToCanonical(Value);
}

/// <summary>Gives rewards to episodes, one at a time, as people and evaluators do.</summary>
public sealed class RewardService(
    IRewardStore rewards,
    RewardWriter writer,
    EpisodeRecorder recorder,
    IEnumerable<IRewardObserver> observers,
    Redactor redactor,
    TimeProvider time
)
{
    /// <summary>What is said of a reward for an episode that is not there.</summary>
    public static LightningException UnknownEpisode(string episodeId) =>
        LightningException.NotFound($"Episode {episodeId} not found. A reward needs the id of a stored episode.");

    /// <summary>
    /// Stores a reward and tells the observers. A reward id that is already there gives back what is stored, and tells nobody; with another
    /// episode, source or value it is <see cref="ErrorKind.Conflict"/>. An unknown episode is <see cref="ErrorKind.NotFound"/>; a value out
    /// of range or not a number is <see cref="ErrorKind.Invalid"/>, as is a secret for an id or a name. Nothing is stored in either case.
    /// Secrets and personal data are taken out of the texts.
    /// </summary>
    public async Task<Reward> AssignAsync(RewardRequest request, CancellationToken cancellationToken)
    {
        var value = request.CanonicalValue;
        var episodeId = Ids.Check(request.EpisodeId, "episode_id");
        var episode = await writer.OriginAsync(episodeId, cancellationToken).ConfigureAwait(false);
        if (episode is null)
        {
            // It may still be on its way to the store.
            await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
            episode = await writer.OriginAsync(episodeId, cancellationToken).ConfigureAwait(false) ?? throw UnknownEpisode(episodeId);
        }

        var texts = redactor.RedactRecord([request.Correction, request.Rubric, request.Comments], episode.AgentId).Texts;
        var now = time.GetUtcNow().Rounded();
        var reward = new Reward
        {
            Id = request.RewardId is null ? Ids.New(now) : redactor.CheckName(Ids.Check(request.RewardId, "reward_id"), "reward_id")!,
            EpisodeId = episode.EpisodeId,
            AgentId = episode.AgentId,
            Source = request.Source,
            Value = value,
            RawValue = request.Scale is null ? null : request.Value,
            Scale = request.Scale?.ToString(),
            Correction = texts[0],
            Rubric = texts[1],
            Evaluator = redactor.CheckName(request.Evaluator, "evaluator") ?? "",
            Comments = texts[2],
            CreatedAt = request.CreatedAt is { } at && at < now ? at.Rounded() : now,
        };
        if (!await writer.AddAsync(reward, cancellationToken).ConfigureAwait(false))
        {
            var stored = (await rewards.FindAsync(reward.Id, cancellationToken).ConfigureAwait(false))!;
            // Whoever may give this agent rewards may not learn of the episodes of another.
            var whose = stored.AgentId == reward.AgentId ? $" it is a reward for episode {stored.EpisodeId}." : "";
            return (stored.EpisodeId, stored.Source, stored.Value) == (reward.EpisodeId, reward.Source, reward.Value)
                ? stored
                : throw LightningException.Conflict(
                    $"The reward id {reward.Id} is taken{(whose.Length > 0 ? ":" : ".")}{whose} Give each reward an id of its own, or none."
                );
        }

        foreach (var observer in observers)
        {
            await observer.RewardedAsync(episode, reward, cancellationToken).ConfigureAwait(false);
        }

        return reward;
    }
}
