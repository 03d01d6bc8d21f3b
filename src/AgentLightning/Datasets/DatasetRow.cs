using System.Text.Json;

namespace AgentLightning.Datasets;

/// <summary>What every row of a data set says of itself. A data set is stored as one JSON object a line.</summary>
public interface IDatasetRow
{
    /// <summary>
    /// What is kept on one side: the session of the episodes where they have one, so that no conversation is on both, and the input's key
    /// otherwise.
    /// </summary>
    string Key { get; }

    DatasetSide Side { get; }

    /// <summary>The episodes it was made of, never empty; a row of a golden file names its line instead, as <c>line:N</c>.</summary>
    IReadOnlyList<string> EpisodeIds { get; }

    /// <summary>The group that it is reported under, for example a repository; null where there is none.</summary>
    string? Slice { get; }
}

/// <summary>A message of a conversation, in the words of OpenAI's chat format.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
/// <param name="Content">Its text; null for an answer that only calls tools.</param>
/// <param name="ToolCallId">Which call a <c>tool</c> message answers.</param>
public sealed record DatasetMessage(
    string Role,
    string? Content,
    IReadOnlyList<DatasetToolCall>? ToolCalls = null,
    string? ToolCallId = null
);

/// <summary>A call of a tool within an answer.</summary>
/// <param name="Arguments">A JSON object, as text.</param>
public sealed record DatasetToolCall(string Id, string Name, string Arguments);

/// <summary>A conversation that ends with the answer to learn.</summary>
/// <param name="Tools">The tools that were offered, in OpenAI's form; null where none were.</param>
/// <param name="Reward">−1…1: how good the answer was.</param>
public sealed record ChatRow(
    string Key,
    DatasetSide Side,
    IReadOnlyList<DatasetMessage> Messages,
    JsonElement? Tools,
    double Reward,
    IReadOnlyList<string> EpisodeIds,
    string? Slice = null
) : IDatasetRow;

/// <summary>An input and two answers to it.</summary>
/// <param name="Messages">The conversation up to the answer.</param>
/// <param name="ChosenReward">−1…1; more than <paramref name="RejectedReward"/>.</param>
public sealed record PreferenceRow(
    string Key,
    DatasetSide Side,
    IReadOnlyList<DatasetMessage> Messages,
    DatasetMessage Chosen,
    DatasetMessage Rejected,
    double ChosenReward,
    double RejectedReward,
    IReadOnlyList<string> EpisodeIds,
    string? Slice = null
) : IDatasetRow;

/// <summary>An input to try answers on.</summary>
/// <param name="Messages">The conversation up to the answer.</param>
/// <param name="Expected">The right answer, where somebody said it.</param>
/// <param name="Answers">What was answered so far, an episode each.</param>
public sealed record PromptRow(
    string Key,
    DatasetSide Side,
    IReadOnlyList<DatasetMessage> Messages,
    string? Expected,
    IReadOnlyList<DatasetAnswer> Answers,
    string? Slice = null
) : IDatasetRow
{
    public IReadOnlyList<string> EpisodeIds => [.. Answers.Select(answer => answer.EpisodeId)];
}
