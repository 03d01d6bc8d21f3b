using System.Text.RegularExpressions;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>
/// 1 when a regular expression is found in a text, else 0. One that takes longer than a second is a failure, so that no answer can hold up
/// a run.
/// </summary>
internal sealed class PatternGrader(GraderTemplate input, string pattern) : IGrader
{
    private readonly Regex _regex = new(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    public ValueTask<double> GradeAsync(GraderInput graded, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_regex.IsMatch(input.Fill(graded)) ? 1.0 : 0);
}
