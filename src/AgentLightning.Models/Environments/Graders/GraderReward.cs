namespace AgentLightning.Models.Environments.Graders;

/// <summary>A grader as a reward: it grades what the model said last, with what is known of the task.</summary>
public sealed class GraderReward(IGrader grader) : IRewardFunction
{
    /// <inheritdoc/>
    public ValueTask<double> ScoreAsync(Attempt attempt, CancellationToken cancellationToken) =>
        grader.GradeAsync(new GraderInput(attempt.Text, attempt.Task.Item), cancellationToken);
}
