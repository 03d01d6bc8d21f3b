using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Rewards;

/// <summary>Gives rewards to episodes, as people, evaluators and imports do.</summary>
public sealed class AssignReward(
    IRewardStore rewards,
    RewardWriter writer,
    EpisodeLookup lookup,
    IEnumerable<IRewardObserver> observers,
    Redactor redactor,
    TimeProvider time
) : IOperation
{
    private const int Together = 500;

    /// <summary>What is said of a reward for an episode that is not there.</summary>
    public static LightningException UnknownEpisode(string episodeId) =>
        LightningException.NotFound($"Episode {episodeId} not found. A reward needs the id of a stored episode.");

    /// <summary>
    /// Stores a reward and tells the observers; role write. A reward id that is already there gives back what is stored, and tells nobody;
    /// with another episode, source or value it is <see cref="ErrorKind.Conflict"/>. An unknown episode, and one of an agent that the scope
    /// is not for, is <see cref="ErrorKind.NotFound"/>; a value out of range or not a number is <see cref="ErrorKind.Invalid"/>, as is a
    /// secret for an id or a name. Nothing is stored in either case. Secrets and personal data are taken out of the texts.
    /// </summary>
    public async Task<AssignedReward> AssignAsync(Scope scope, RewardRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        Check(request);
        var episode = await lookup.FindAsync(scope, request.EpisodeId, cancellationToken).ConfigureAwait(false)
            ?? throw UnknownEpisode(request.EpisodeId);
        return Shown(scope, await StoreAsync(episode, Reward(request, episode), cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// The same for many, in their order, and for each what became of it: those that can be stored are. What would fail all of them, such
    /// as a store that does not answer, is thrown; then a part may be stored, and asking for all again is right.
    /// </summary>
    public async Task<IReadOnlyList<Attempt<AssignedReward>>> AssignAllAsync(
        Scope scope,
        IReadOnlyList<RewardRequest> requests,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        var attempts = new Attempt<AssignedReward>[requests.Count];
        Each(i =>
        {
            Check(requests[i]);
            return null;
        });
        var episodes = await lookup
            .FindAllAsync(scope, requests.Where((_, i) => attempts[i].Problem is null).Select(one => one.EpisodeId), cancellationToken)
            .ConfigureAwait(false);
        var made = new Reward?[requests.Count];
        Each(i =>
            made[i] = episodes.TryGetValue(requests[i].EpisodeId, out var episode)
                ? Reward(requests[i], episode)
                : throw UnknownEpisode(requests[i].EpisodeId)
        );
        foreach (var chunk in Enumerable.Range(0, requests.Count).Where(i => made[i] is not null).Chunk(Together))
        {
            var stored = await StoreAsync([.. chunk.Select(i => (episodes[requests[i].EpisodeId], made[i]!))], cancellationToken)
                .ConfigureAwait(false);
            for (var i = 0; i < chunk.Length; i++)
            {
                attempts[chunk[i]] = stored[i].Value is { } assigned ? new(Shown(scope, assigned), null) : stored[i];
            }
        }

        return attempts;

        // Redaction is most of the work, and each reward is redacted by itself.
        void Each(Func<int, Reward?> step) => Parallel.For(0, requests.Count, i =>
            {
                try
                {
                    _ = attempts[i].Problem is null ? step(i) : null;
                }
                catch (LightningException e) when (e.Kind != ErrorKind.Unavailable)
                {
                    attempts[i] = new(null, e);
                }
            });
    }

    /// <summary>
    /// Stores a reward of an episode that was authorised already, within the same bounds, and tells the observers. For doors whose sender
    /// is gone: a name that is too long is cut, and one that is there already stays as it is.
    /// </summary>
    internal async Task StoreFittedAsync(EpisodeOrigin episode, Reward reward, CancellationToken cancellationToken)
    {
        var texts = redactor.RedactRecord([reward.Correction, reward.Rubric, reward.Comments], episode.AgentId).Texts;
        var now = time.GetUtcNow().Rounded();
        var fitted = reward with
        {
            EpisodeId = episode.EpisodeId,
            AgentId = episode.AgentId,
            Evaluator = redactor.Redact(EpisodeBounds.Fit(reward.Evaluator)!, episode.AgentId),
            Correction = texts[0],
            Rubric = texts[1],
            Comments = texts[2],
            CreatedAt = reward.CreatedAt < now ? reward.CreatedAt.Rounded() : now,
        };
        if (!await writer.AddAsync(fitted, cancellationToken).ConfigureAwait(false))
        {
            var stored = await rewards.FindAsync(fitted.Id, cancellationToken).ConfigureAwait(false);
            if (!IsOfAnother(stored, fitted))
            {
                return;
            }

            fitted = Marked(fitted);
            if (!await writer.AddAsync(fitted, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        await TellAsync(episode, fitted, cancellationToken).ConfigureAwait(false);
    }

    private static void Check(RewardRequest request)
    {
        _ = request.CanonicalValue;
        Ids.Check(request.EpisodeId, "episode_id");
        Ids.CheckName(request.Evaluator, "evaluator");
        if (request.RewardId is not null)
        {
            Ids.CheckAddressable(request.RewardId, "reward_id");
        }
    }

    private Reward Reward(RewardRequest request, EpisodeOrigin episode)
    {
        var texts = redactor.RedactRecord([request.Correction, request.Rubric, request.Comments], episode.AgentId).Texts;
        var now = time.GetUtcNow().Rounded();
        return new Reward
        {
            Id = request.RewardId is null
                ? Ids.New(now)
                : EpisodeIds.CheckGiven(redactor.CheckName(request.RewardId, "reward_id"), episode.AgentId, "reward_id"),
            EpisodeId = episode.EpisodeId,
            AgentId = episode.AgentId,
            Source = request.Source,
            Value = request.CanonicalValue,
            RawValue = request.Scale is null ? null : request.Value,
            Scale = request.Scale?.ToString(),
            Correction = texts[0],
            Rubric = texts[1],
            Evaluator = redactor.CheckName(request.Evaluator, "evaluator") ?? "",
            Comments = texts[2],
            CreatedAt = request.CreatedAt is { } at && at < now ? at.Rounded() : now,
        };
    }

    private async Task<AssignedReward> StoreAsync(EpisodeOrigin episode, Reward reward, CancellationToken cancellationToken)
    {
        if (!await writer.AddAsync(reward, cancellationToken).ConfigureAwait(false))
        {
            var stored = await rewards.FindAsync(reward.Id, cancellationToken).ConfigureAwait(false);
            return IsOfAnother(stored, reward)
                ? await StoreAsync(episode, Marked(reward), cancellationToken).ConfigureAwait(false)
                : Known(reward, stored);
        }

        await TellAsync(episode, reward, cancellationToken).ConfigureAwait(false);
        return new AssignedReward(reward, IsNew: true);
    }

    /// <summary>One transaction, or where the store refuses one of them, one for each.</summary>
    private async Task<IReadOnlyList<Attempt<AssignedReward>>> StoreAsync(
        IReadOnlyList<(EpisodeOrigin Episode, Reward Reward)> group,
        CancellationToken cancellationToken
    )
    {
        IReadOnlyList<bool> isNew;
        try
        {
            isNew = await rewards.AddEachAsync([.. group.Select(one => one.Reward)], cancellationToken).ConfigureAwait(false);
        }
        catch (LightningException e) when (e.Kind != ErrorKind.Unavailable)
        {
            // An episode was deleted meanwhile, or there is but one, which is refused.
            return group.Count == 1
                ? [new(null, e)]
                :
                [
                    .. await group
                        .ToAsyncEnumerable()
                        .Select(async (one, token) => (await StoreAsync([one], token).ConfigureAwait(false))[0])
                        .ToListAsync(cancellationToken)
                        .ConfigureAwait(false),
                ];
        }

        var there = await rewards
            .FindEachAsync([.. group.Where((_, i) => !isNew[i]).Select(one => one.Reward.Id)], cancellationToken)
            .ConfigureAwait(false);
        var (attempts, others) = (new Attempt<AssignedReward>[group.Count], new List<int>());
        for (var i = 0; i < group.Count; i++)
        {
            var (episode, reward) = group[i];
            if (isNew[i])
            {
                await TellAsync(episode, reward, cancellationToken).ConfigureAwait(false);
                attempts[i] = new(new AssignedReward(reward, IsNew: true), null);
                continue;
            }

            var stored = there.FirstOrDefault(one => one.Id == reward.Id);
            if (IsOfAnother(stored, reward))
            {
                others.Add(i);
                continue;
            }

            try
            {
                attempts[i] = new(Known(reward, stored), null);
            }
            catch (LightningException e)
            {
                attempts[i] = new(null, e);
            }
        }

        if (others.Count > 0)
        {
            var own = await StoreAsync([.. others.Select(i => (group[i].Episode, Marked(group[i].Reward)))], cancellationToken)
                .ConfigureAwait(false);
            for (var i = 0; i < others.Count; i++)
            {
                attempts[others[i]] = own[i];
            }
        }

        return attempts;
    }

    /// <summary>Whether the id lies with another agent: ids of rewards are their agent's own, as those of episodes are.</summary>
    private static bool IsOfAnother(Reward? stored, Reward given) =>
        stored is not null
        && stored.AgentId != given.AgentId
        && stored.EpisodeId != given.EpisodeId
        && given.Id == EpisodeIds.WithoutMark(given.Id, given.AgentId);

    private static Reward Marked(Reward reward) => reward with { Id = EpisodeIds.Marked(reward.Id, reward.AgentId) };

    private static AssignedReward Known(Reward reward, Reward? stored)
    {
        if (stored is null)
        {
            throw UnknownEpisode(reward.EpisodeId);
        }

        // An episode may have moved to another agent since; of that nobody is told.
        var (id, whose) = (
            EpisodeIds.WithoutMark(reward.Id, reward.AgentId),
            stored.AgentId == reward.AgentId
                ? $": it is a reward for episode {EpisodeIds.WithoutMark(stored.EpisodeId, stored.AgentId)}."
                : "."
        );
        return (stored.EpisodeId, stored.Source, stored.Value) == (reward.EpisodeId, reward.Source, reward.Value)
            ? new AssignedReward(stored, IsNew: false)
            : throw LightningException.Conflict($"The reward id {id} is taken{whose} Give each reward an id of its own, or none.");
    }

    private static AssignedReward Shown(Scope scope, AssignedReward assigned) =>
        assigned with
        {
            Reward = ListRewards.Shown(scope, assigned.Reward),
        };

    private async Task TellAsync(EpisodeOrigin episode, Reward reward, CancellationToken cancellationToken)
    {
        foreach (var observer in observers)
        {
            await observer.RewardedAsync(episode, reward, cancellationToken).ConfigureAwait(false);
        }
    }
}
