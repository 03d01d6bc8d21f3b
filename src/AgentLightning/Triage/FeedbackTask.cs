using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Triage;

/// <summary>A piece of feedback as the form sends it.</summary>
/// <param name="Comment">What the person wrote.</param>
/// <param name="Title">One line above it, where the source has one.</param>
/// <param name="Type">What the person chose in the form: bug, technical_question, feature, general, research or commercial; anything else
/// counts as general.</param>
/// <param name="Rating">1…5.</param>
/// <param name="Page">Path of the page it was sent from.</param>
/// <param name="FeedbackId">The source's own id.</param>
public sealed record FeedbackTask(
    string Comment,
    string? Title = null,
    string? Type = null,
    int? Rating = null,
    string? Page = null,
    string? FeedbackId = null
)
{
    private const int LongestComment = 1_000_000;

    /// <summary>The same key for feedback that says the same, whoever sent it from where.</summary>
    public string Key => InputKeys.Of(Title, Comment);

    /// <summary>Checks what came from outside.</summary>
    public FeedbackTask Checked()
    {
        if (string.IsNullOrWhiteSpace(Comment) && string.IsNullOrWhiteSpace(Title))
        {
            throw LightningException.Invalid("The feedback has no text: comment must not be empty.");
        }

        if (Rating is < 1 or > 5)
        {
            throw LightningException.Invalid($"rating must be from 1 to 5, but it is {Rating}.");
        }

        return Comment is { Length: > LongestComment }
            ? throw LightningException.Invalid($"comment must have at most {LongestComment} characters, but it has {Comment.Length}.")
            : this with
            {
                Comment = Comment ?? "",
            };
    }

    /// <summary>As it is stored as an episode's input.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, LightningJson.Options);

    public static FeedbackTask FromJson(string json) => JsonSerializer.Deserialize<FeedbackTask>(json, LightningJson.Options)!;
}
