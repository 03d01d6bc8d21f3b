using AgentLightning.Models.Architectures;
using AgentLightning.Triage;

namespace AgentLightning.Engine;

/// <summary>Feedback as a classifier reads it: title and comment are fields of their own, what the form knows is tags.</summary>
internal static class FeedbackText
{
    public static TextInput Of(FeedbackTask task)
    {
        if (task.Type is null && task.Rating is null && task.Page is null)
        {
            return new TextInput(task.Title ?? "", task.Comment);
        }

        var tags = new List<string>(4) { $"type={task.Type}", $"rating={task.Rating}", $"page={task.Page}" };
        if (task.Page?.Split('/', StringSplitOptions.RemoveEmptyEntries) is [var section, ..])
        {
            tags.Add($"section={section}");
        }

        return new TextInput(task.Title ?? "", task.Comment, tags);
    }
}
