using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Feedback;

/// <summary>What a person did or said about a message, as it comes from outside.</summary>
/// <param name="MessageId">
/// The <see cref="Episode.MessageId"/> of an episode, such as the id of a model's response, or the id of an episode. A UUID may be written
/// with or without dashes, in either case.
/// </param>
/// <param name="FeedbackType">One of <see cref="FeedbackTypes.All"/>.</param>
/// <param name="Rating">1…5; with a feedback type <c>rating_N</c> it must be N, and is N when it is not given.</param>
/// <param name="Comment">Up to <see cref="LongestComment"/> characters.</param>
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
)
{
    /// <summary>Characters (Unicode code points) of a comment.</summary>
    public const int LongestComment = 1_000;

    // The reward's id, which has a prefix, is an id too.
    private const int LongestId = 190;

    /// <summary>
    /// The id of the message as it is written usually, and the stars. What cannot be right is <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    internal (string MessageId, int? Rating) Check()
    {
        if (MessageId is null || FeedbackType is null)
        {
            throw LightningException.Invalid("message_id and feedback_type are required.");
        }

        Ids.CheckAddressable(MessageId, "message_id");
        var isUuid = Guid.TryParseExact(MessageId, "D", out var id) || Guid.TryParseExact(MessageId, "N", out id);

        if (!FeedbackTypes.IsKnown(FeedbackType))
        {
            throw LightningException.Invalid($"Invalid feedback_type: {Excerpt(FeedbackType)}");
        }

        if (Rating is < 1 or > 5)
        {
            throw LightningException.Invalid($"rating must be from 1 to 5, but it is {Rating}.");
        }

        var stars = FeedbackTypes.StarsOf(FeedbackType);
        if (stars is not null && Rating is not null && stars != Rating)
        {
            throw LightningException.Invalid(
                $"rating is {Rating}, but feedback_type is {FeedbackType}. Give the same number of stars, or leave rating out."
            );
        }

        if (Comment is not null && TextLength.Of(Comment) is > LongestComment and var length)
        {
            throw LightningException.Invalid($"comment must be at most {LongestComment} characters, but it has {length}.");
        }

        if (UserId is not null)
        {
            Ids.Check(UserId, "The id of the user");
        }

        if (FeedbackId is not null && Ids.CheckAddressable(FeedbackId, "feedback_id").Length > LongestId)
        {
            throw LightningException.Invalid($"feedback_id must be at most {LongestId} characters, but it has {FeedbackId.Length}.");
        }

        return (isUuid ? id.ToString("D") : MessageId, Rating ?? stars);
    }

    private static string Excerpt(string text) => text.Length > 50 ? $"{text[..40]}…" : text;
}
