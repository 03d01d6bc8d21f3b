using System.Text.Json;
using AgentLightning.Datasets;

namespace AgentLightning.Evaluation;

/// <summary>A held-out example, of a data set of any kind.</summary>
/// <param name="Messages">The conversation up to the answer.</param>
/// <param name="Expected">The right or a good answer, where the data set has one.</param>
/// <param name="Tools">The tools that were offered, in OpenAI's form.</param>
public sealed record EvaluationItem(
    string Key,
    string? Slice,
    IReadOnlyList<DatasetMessage> Messages,
    string? Expected,
    IReadOnlyList<string> EpisodeIds,
    JsonElement? Tools = null
)
{
    /// <summary>The text of the last message, which is all of an example of a classification.</summary>
    public string Input => Messages.Count == 0 ? "" : Messages[^1].Content ?? "";
}

/// <summary>Something that answers, to be compared with another. It is disposed when it is done with.</summary>
public interface IAnswerer : IDisposable
{
    /// <summary>Its name in records.</summary>
    string Model { get; }

    /// <summary>
    /// The answer to an item; called by one after another. What it throws, a cancellation of the caller's apart, counts as no answer.
    /// </summary>
    ValueTask<string> AnswerAsync(EvaluationItem item, CancellationToken cancellationToken);
}

/// <summary>Opens models of one kind to answer the items of data sets of one kind.</summary>
public interface IAnswererSource
{
    /// <summary>
    /// The model, or null when it is not of this kind. One that is of this kind and cannot be opened throws a
    /// <see cref="AgentLightning.Common.LightningException"/> that says why.
    /// </summary>
    /// <param name="artifact">Its content; null for a model that is known by its name alone.</param>
    ValueTask<IAnswerer?> OpenAsync(string agentId, string model, string? artifact, DatasetKind kind, CancellationToken cancellationToken);
}

/// <summary>Says how good an answer is, 0…1.</summary>
public interface IScorer
{
    /// <summary>The metric, in one word.</summary>
    string Name { get; }

    /// <summary>Whether it compares with a right answer: items without one are then left out.</summary>
    bool NeedsExpected { get; }

    /// <summary>The score; NaN where it cannot be said, and the item is left out then.</summary>
    ValueTask<double> ScoreAsync(EvaluationItem item, string answer, CancellationToken cancellationToken);
}

/// <summary>Makes scorers of what is not of this project: graders of environments, commands, models that judge.</summary>
public interface IScorerSource
{
    /// <summary>
    /// The scorer, or null when the description is of another kind. One that is of this kind and wrong is
    /// <see cref="AgentLightning.Common.ErrorKind.Invalid"/>, with the place.
    /// </summary>
    /// <param name="grader">A JSON object with a <c>type</c>.</param>
    IScorer? Read(JsonElement grader);
}
