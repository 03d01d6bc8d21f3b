using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;
using AgentLightning.Storage;

namespace AgentLightning.Feedback;

/// <summary>What a person did or said about a message, as it comes from outside.</summary>
/// <param name="MessageId">A UUID: the <see cref="Episode.MessageId"/> of an episode, or the id of an episode.</param>
/// <param name="FeedbackType">One of <see cref="FeedbackTypes.All"/>.</param>
/// <param name="Rating">1…5; with a feedback type <c>rating_N</c> it must be N, and is N when it is not given.</param>
/// <param name="Comment">Up to <see cref="FeedbackService.LongestComment"/> characters.</param>
/// <param name="UserId">Who gives it; null for somebody who is not known.</param>
/// <param name="FeedbackId">A client's own id makes a repeated request one record.</param>
/// <param name="AgentId">Looks only at messages of this agent.</param>
public sealed record FeedbackRequest(
    string? MessageId,
    string? FeedbackType,
    int? Rating = null,
    string? Comment = null,
    bool? Helpful = null,
    bool? Accurate = null,
    bool? Complete = null,
    string? UserId = null,
    string? FeedbackId = null,
    string? AgentId = null
);

/// <summary>
/// Takes feedback on messages: finds the episode, computes the reward, keeps both. The episode stays one; its reward changes.
/// </summary>
public sealed class FeedbackService(
    IFeedbackStore feedback,
    IEpisodeStore episodes,
    EpisodeRecorder recorder,
    RewardService rewards,
    Redactor redactor,
    TimeProvider time
)
{
    /// <summary>Characters (Unicode code points) of a comment.</summary>
    public const int LongestComment = 1_000;

    /// <summary>The evaluator of rewards from people who are not known: one person per message.</summary>
    public const string Anonymous = "anonymous";

    // The reward's id, which has a prefix, is an id too.
    private const string RewardPrefix = "feedback:";
    private const int LongestId = 190;

    /// <summary>
    /// Stores the feedback and gives the episode a reward of source <see cref="RewardSource.HumanApproval"/>, with one evaluator per user:
    /// what a person says later supersedes what the same person said before, and never what another said. A feedback id that is there
    /// already gives back what is stored; with another content it is <see cref="ErrorKind.Conflict"/>. <see cref="ErrorKind.NotFound"/> for
    /// an unknown message, <see cref="ErrorKind.Forbidden"/> for a known user and a message of another user,
    /// <see cref="ErrorKind.Invalid"/> for what cannot be right. Secrets and personal data are taken out of the comment.
    /// </summary>
    /// <param name="mayWrite">Whether the caller may write records of an agent; the messages of the others do not exist for it.</param>
    public async Task<MessageFeedback> GiveAsync(FeedbackRequest request, Func<string, bool> mayWrite, CancellationToken cancellationToken)
    {
        var (messageId, rating) = Check(request);
        var episode = await FindAsync(
                () => FindByMessageAsync(request.MessageId!, messageId, request.AgentId, cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false)
            ?? throw LightningException.NotFound("Message not found");
        if (!mayWrite(episode.AgentId))
        {
            throw LightningException.NotFound("Message not found");
        }

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

        var now = time.GetUtcNow().Rounded();
        var given = new MessageFeedback
        {
            Id = request.FeedbackId is null ? Ids.New(now) : redactor.CheckName(request.FeedbackId, "feedback_id")!,
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
        var stored = given;
        if (!await feedback.AddAsync(given, cancellationToken).ConfigureAwait(false))
        {
            stored = (await feedback.FindAsync(given.Id, cancellationToken).ConfigureAwait(false))!;
            if (!SayTheSame(stored, given))
            {
                throw LightningException.Conflict(
                    $"The feedback id {given.Id} is taken by other feedback. Give each an id of its own, or none."
                );
            }
        }

        // Also for one that was there: a server may have ended between the two. What was superseded since must not come back.
        if (stored.IsCurrent)
        {
            await rewards
                .AssignAsync(
                    new RewardRequest(
                        episode.Id,
                        stored.RewardScore,
                        RewardSource.HumanApproval,
                        Rubric: stored.FeedbackType,
                        Evaluator: user is null ? Anonymous : $"user:{user}",
                        RewardId: RewardPrefix + stored.Id,
                        Scale: RewardScale.Unit
                    ),
                    cancellationToken
                )
                .ConfigureAwait(false);
        }

        return stored;
    }

    /// <summary>
    /// Gives an episode the reward of its signals, source <see cref="RewardSource.ImplicitSignals"/>. It counts as long as nobody judged
    /// the episode; later signals supersede earlier ones.
    /// </summary>
    public async Task<Reward> SignalAsync(string episodeId, ConversationSignals signals, CancellationToken cancellationToken)
    {
        Ids.Check(episodeId, "episode_id");
        var episode = await FindAsync(() => episodes.FindAsync(episodeId, cancellationToken), cancellationToken).ConfigureAwait(false)
            ?? throw LightningException.NotFound($"Episode {episodeId} not found");
        var score = RewardCalculator.Implicit(ResponseSignals.Of(episode), signals);
        return await rewards
            .AssignAsync(new RewardRequest(episode.Id, score, RewardSource.ImplicitSignals, Scale: RewardScale.Unit), cancellationToken)
            .ConfigureAwait(false);
    }

    private static (string MessageId, int? Rating) Check(FeedbackRequest request)
    {
        if (request.MessageId is null || request.FeedbackType is null)
        {
            throw LightningException.Invalid("message_id and feedback_type are required.");
        }

        if (!Guid.TryParseExact(request.MessageId, "D", out var id) && !Guid.TryParseExact(request.MessageId, "N", out id))
        {
            throw LightningException.Invalid(
                $"message_id must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057, but it is '{Excerpt(request.MessageId)}'."
            );
        }

        if (!FeedbackTypes.IsKnown(request.FeedbackType))
        {
            throw LightningException.Invalid($"Invalid feedback_type: {Excerpt(request.FeedbackType)}");
        }

        if (request.Rating is < 1 or > 5)
        {
            throw LightningException.Invalid($"rating must be from 1 to 5, but it is {request.Rating}.");
        }

        var stars = FeedbackTypes.StarsOf(request.FeedbackType);
        if (stars is not null && request.Rating is not null && stars != request.Rating)
        {
            throw LightningException.Invalid(
                $"rating is {request.Rating}, but feedback_type is {request.FeedbackType}. Give the same number of stars, or leave rating "
                    + $"out."
            );
        }

        if (request.Comment is not null && TextLength.Of(request.Comment) is > LongestComment and var length)
        {
            throw LightningException.Invalid($"comment must be at most {LongestComment} characters, but it has {length}.");
        }

        if (request.UserId is not null)
        {
            Ids.Check(request.UserId, "The id of the user");
        }

        if (request.FeedbackId is not null && Ids.Check(request.FeedbackId, "feedback_id").Length > LongestId)
        {
            throw LightningException.Invalid(
                $"feedback_id must be at most {LongestId} characters, but it has {request.FeedbackId.Length}."
            );
        }

        return (id.ToString("D"), request.Rating ?? stars);
    }

    private static string Excerpt(string text) => text.Length > 50 ? $"{text[..40]}…" : text;

    private static bool SayTheSame(MessageFeedback a, MessageFeedback b) =>
        (a.EpisodeId, a.UserId, a.FeedbackType, a.Rating, a.Helpful, a.Accurate, a.Complete, a.Comment)
        == (b.EpisodeId, b.UserId, b.FeedbackType, b.Rating, b.Helpful, b.Accurate, b.Complete, b.Comment);

    /// <summary>Looks again after a flush: the episode may still be on its way to the store.</summary>
    private async Task<Episode?> FindAsync(Func<Task<Episode?>> look, CancellationToken cancellationToken)
    {
        if (await look().ConfigureAwait(false) is { } found)
        {
            return found;
        }

        await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
        return await look().ConfigureAwait(false);
    }

    private async Task<Episode?> FindByMessageAsync(string asGiven, string canonical, string? agentId, CancellationToken cancellationToken)
    {
        string[] ids = asGiven == canonical ? [canonical] : [asGiven, canonical];
        foreach (var id in ids)
        {
            if (
                await episodes.FindByMessageAsync(id, cancellationToken).ConfigureAwait(false) is { } byMessage
                && byMessage.AgentId == (agentId ?? byMessage.AgentId)
            )
            {
                return byMessage;
            }
        }

        foreach (var id in ids)
        {
            if (
                await episodes.FindAsync(id, cancellationToken).ConfigureAwait(false) is { } byId
                && byId.AgentId == (agentId ?? byId.AgentId)
            )
            {
                return byId;
            }
        }

        return null;
    }
}
