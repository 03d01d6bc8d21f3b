using System.Text.Json;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>What is graded.</summary>
/// <param name="OutputText">What was said.</param>
/// <param name="Item">What is known of the task; undefined when nothing is.</param>
public sealed record GraderInput(string OutputText, JsonElement Item);

/// <summary>
/// Says how good a text is, 0…1 unless a formula says otherwise. What it cannot grade is an exception that says why; NaN means that it
/// cannot be said.
/// </summary>
public interface IGrader
{
    /// <summary>Grades one text.</summary>
    ValueTask<double> GradeAsync(GraderInput input, CancellationToken cancellationToken);
}
