namespace AgentLightning.Models.Environments.Graders;

/// <summary>Several graders whose results a formula makes one.</summary>
internal sealed class MultiGrader(IReadOnlyList<(string Name, IGrader Grader)> graders, Formula formula) : IGrader
{
    public async ValueTask<double> GradeAsync(GraderInput input, CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (name, grader) in graders)
        {
            values[name] = await grader.GradeAsync(input, cancellationToken).ConfigureAwait(false);
        }

        return formula.Evaluate(values);
    }
}
