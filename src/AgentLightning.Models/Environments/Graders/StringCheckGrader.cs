namespace AgentLightning.Models.Environments.Graders;

/// <summary>1 when a text is, is not, or holds another; else 0.</summary>
/// <param name="operation"><c>eq</c>, <c>ne</c>, <c>like</c> (holds) or <c>ilike</c> (holds, whatever the case).</param>
internal sealed class StringCheckGrader(GraderTemplate input, GraderTemplate reference, string operation) : IGrader
{
    public static readonly string[] Operations = ["eq", "ne", "like", "ilike"];

    public ValueTask<double> GradeAsync(GraderInput graded, CancellationToken cancellationToken)
    {
        var (text, other) = (input.Fill(graded), reference.Fill(graded));
        var passes = operation switch
        {
            "eq" => text == other,
            "ne" => text != other,
            "like" => text.Contains(other, StringComparison.Ordinal),
            _ => text.Contains(other, StringComparison.OrdinalIgnoreCase),
        };
        return ValueTask.FromResult(passes ? 1.0 : 0);
    }
}
