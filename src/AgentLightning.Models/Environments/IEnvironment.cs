namespace AgentLightning.Models.Environments;

/// <summary>
/// What a model acts in: it answers each text with what the model is to read next, or with the end. A question with one answer is the case
/// in which the first turn is the last.
/// </summary>
/// <remarks>
/// Calls for different attempts come at once; calls for one come one after the other. An exception, or an answer that takes longer than the
/// loop allows, ends the attempt: it is counted as failed, and not learned from.
/// </remarks>
public interface IEnvironment
{
    /// <summary>Called after each turn of the model.</summary>
    ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken);
}
