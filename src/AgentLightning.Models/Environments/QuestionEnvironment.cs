namespace AgentLightning.Models.Environments;

/// <summary>
/// One question, one answer, judged by functions whose rewards are added up with weights. Where one cannot say, the others count alone;
/// where none can, the attempt is left out.
/// </summary>
public sealed class QuestionEnvironment(IReadOnlyList<(string Name, IRewardFunction Function, double Weight)> rewards) : IEnvironment
{
    /// <summary>Judged by one function.</summary>
    public QuestionEnvironment(IRewardFunction reward)
        : this([("reward", reward, 1)]) { }

    /// <inheritdoc/>
    public async ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        var parts = new Dictionary<string, double>(StringComparer.Ordinal);
        double sum = 0;
        foreach (var (name, function, weight) in rewards)
        {
            var value = await function.ScoreAsync(attempt, cancellationToken).ConfigureAwait(false);
            if (!double.IsNaN(value))
            {
                parts[name] = value;
                sum += weight * value;
            }
        }

        return new Turn(parts.Count == 0 ? double.NaN : sum, null, rewards.Count > 1 ? parts : null);
    }
}
