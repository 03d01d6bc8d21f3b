using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;
using AgentLightning.Storage;

namespace AgentLightning.Feedback;

/// <summary>
/// Takes feedback on messages: finds the episode, computes the reward, keeps both. The episode stays one; its reward changes.
/// </summary>
public sealed class GiveFeedback(
    IFeedbackStore feedback,
    IEpisodeStore episodes,
    EpisodeLookup lookup,
    EpisodeRecorder recorder,
    AssignReward rewards,
    Redactor redactor,
    TimeProvider time
) : IOperation
{
    /// <summary>The evaluator of rewards from people who are not known: one person per message.</summary>
    public const string Anonymous = "anonymous";

    private const string RewardPrefix = "feedback:";

    /// <summary>
    /// Stores the feedback and gives the episode a reward of source <see cref="RewardSource.HumanApproval"/>, with one evaluator per user:
    /// what a person says later supersedes what the same person said before, and never what another said; role write. A feedback id that is
    /// there already gives back what is stored; with another content it is <see cref="ErrorKind.Conflict"/>, as is a message id that
    /// several agents gave while none is named. <see cref="ErrorKind.NotFound"/> for an unknown message, also for one of an agent that the
    /// scope is not for, <see cref="ErrorKind.Forbidden"/> for a known user and a message of another user, <see cref="ErrorKind.Invalid"/>
    /// for what cannot be right. Secrets and personal data are taken out of the comment.
    /// </summary>
    public async Task<MessageFeedback> GiveAsync(Scope scope, FeedbackRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        var (messageId, rating) = request.Check();
        var of = scope.Named(request.AgentId) is { } agent ? new Scope(scope.Actor, scope.Role, [agent]) : scope;
        var episode = await FindAsync(of, request.MessageId!, messageId, cancellationToken).ConfigureAwait(false)
            ?? throw LightningException.NotFound("Message not found");
        var user = redactor.Identifier(request.UserId, episode.AgentId);
        // What the store holds for a user is the id as it came, or the name that stands for it.
        if (
            user is not null
            && episode.UserId is not null
            && episode.UserId != request.UserId
            && episode.UserId != redactor.NameOfIdentifier(request.UserId!)
        )
        {
            throw LightningException.Forbidden("Access denied to this conversation");
        }

        var stored = await StoreAsync(Of(request, rating, episode, user), cancellationToken).ConfigureAwait(false);
        // Also for one that was there: a server may have ended between the two. What was superseded since must not come back.
        if (stored.IsCurrent)
        {
            await RewardAsync(stored, cancellationToken).ConfigureAwait(false);
        }

        return Shown(scope, stored);
    }

    /// <summary>Feedback with its ids as the scope knows them.</summary>
    internal static MessageFeedback Shown(Scope scope, MessageFeedback feedback) =>
        feedback with
        {
            Id = EpisodeIds.Given(scope, feedback.Id, feedback.AgentId),
            EpisodeId = EpisodeIds.Shown(scope, feedback.EpisodeId, feedback.AgentId),
        };

    private MessageFeedback Of(FeedbackRequest request, int? rating, Episode episode, string? user)
    {
        var now = time.GetUtcNow().Rounded();
        return new MessageFeedback
        {
            Id = request.FeedbackId is null
                ? Ids.New(now)
                : EpisodeIds.CheckGiven(redactor.CheckName(request.FeedbackId, "feedback_id"), episode.AgentId, "feedback_id"),
            MessageId = request.MessageId!,
            EpisodeId = episode.Id,
            AgentId = episode.AgentId,
            SessionId = episode.SessionId,
            UserId = user,
            FeedbackType = request.FeedbackType!,
            Rating = rating,
            Helpful = request.Helpful,
            Accurate = request.Accurate,
            Complete = request.Complete,
            Comment = request.Comment is null ? null : redactor.Redact(request.Comment, episode.AgentId),
            RewardScore = RewardCalculator.Explicit(request.FeedbackType!, ResponseSignals.Of(episode)),
            MessageCreatedAt = episode.CreatedAt,
            CreatedAt = now,
            UpdatedAt = now,
        };
    }

    private async Task<MessageFeedback> StoreAsync(MessageFeedback given, CancellationToken cancellationToken)
    {
        if (await feedback.AddAsync(given, cancellationToken).ConfigureAwait(false))
        {
            return given;
        }

        var stored = await feedback.FindAsync(given.Id, cancellationToken).ConfigureAwait(false);
        var id = EpisodeIds.WithoutMark(given.Id, given.AgentId);
        // Ids of feedback are their agent's own, as those of episodes are.
        if (stored is not null && stored.AgentId != given.AgentId && stored.EpisodeId != given.EpisodeId && id == given.Id)
        {
            var own = given with { Id = EpisodeIds.Marked(id, given.AgentId) };
            return await StoreAsync(own, cancellationToken).ConfigureAwait(false);
        }

        return stored is not null && SayTheSame(stored, given)
            ? stored
            : throw LightningException.Conflict($"The feedback id {id} is taken by other feedback. Give each an id of its own, or none.");
    }

    /// <summary>
    /// Gives the reward of the feedback. Between the two somebody may have said something else, whose reward came first: whoever gives the
    /// last reward looks at what counts by then, and gives the reward of that.
    /// </summary>
    private async Task RewardAsync(MessageFeedback given, CancellationToken cancellationToken)
    {
        for (var (counts, rewardId) = (given, RewardPrefix + given.Id); ; )
        {
            await rewards
                .AssignAsync(
                    Scope.Owner("feedback"),
                    new RewardRequest(
                        counts.EpisodeId,
                        counts.RewardScore,
                        RewardSource.HumanApproval,
                        Rubric: counts.FeedbackType,
                        Evaluator: counts.UserId is null ? Anonymous : $"user:{counts.UserId}",
                        RewardId: rewardId,
                        Scale: RewardScale.Unit
                    ),
                    cancellationToken
                )
                .ConfigureAwait(false);
            var now = await feedback.FindCurrentAsync(given.EpisodeId, given.UserId, cancellationToken).ConfigureAwait(false);
            if (now is null || now.Id == counts.Id)
            {
                return;
            }

            (counts, rewardId) = (now, $"{RewardPrefix}{Ids.New(time.GetUtcNow())}");
        }
    }

    private static bool SayTheSame(MessageFeedback a, MessageFeedback b) =>
        (a.EpisodeId, a.UserId, a.FeedbackType, a.Rating, a.Helpful, a.Accurate, a.Complete, a.Comment)
        == (b.EpisodeId, b.UserId, b.FeedbackType, b.Rating, b.Helpful, b.Accurate, b.Complete, b.Comment);

    /// <summary>
    /// The episode that gave the message, of those that the scope sees; by the id of the message first, and then by its own. It may still
    /// be on its way to the store.
    /// </summary>
    private async Task<Episode?> FindAsync(Scope scope, string asGiven, string canonical, CancellationToken cancellationToken)
    {
        string[] ids = asGiven == canonical ? [canonical] : [asGiven, canonical];
        if (await ByMessageAsync().ConfigureAwait(false) is { } found)
        {
            return await ReadAsync(found).ConfigureAwait(false);
        }

        await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (await ByMessageAsync().ConfigureAwait(false) is { } late)
        {
            return await ReadAsync(late).ConfigureAwait(false);
        }

        foreach (var id in ids)
        {
            if (await lookup.FindAsync(scope, id, cancellationToken).ConfigureAwait(false) is { } byId)
            {
                return await ReadAsync(byId).ConfigureAwait(false);
            }
        }

        return null;

        async Task<EpisodeOrigin?> ByMessageAsync()
        {
            foreach (var id in ids)
            {
                var byMessage = await episodes.FindByMessageAsync(id, scope.Agents, cancellationToken).ConfigureAwait(false);
                if (byMessage.Count > 1)
                {
                    throw LightningException.Conflict(
                        $"Messages of the agents {string.Join(", ", byMessage.Select(one => one.AgentId))} have the id {id}. Say with "
                            + $"agent_id which is meant."
                    );
                }

                if (byMessage is [var only])
                {
                    return only;
                }
            }

            return null;
        }

        Task<Episode?> ReadAsync(EpisodeOrigin origin) => episodes.FindAsync(origin.EpisodeId, cancellationToken);
    }
}
