namespace AgentLightning.Models.Environments;

/// <summary>Says how good an answer is.</summary>
public interface IRewardFunction
{
    /// <summary>
    /// The reward of what the model said last, usually 0…1; not a number when it cannot be said. An exception counts as a failure of the
    /// attempt.
    /// </summary>
    ValueTask<double> ScoreAsync(Attempt attempt, CancellationToken cancellationToken);
}
