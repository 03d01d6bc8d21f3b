using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Ports;

/// <summary>
/// All that a loop asks of a model that learns: sample, score, forward and backward with an objective, a step of the optimizer, save and
/// load. The model may be in this process (<see cref="LocalModelPort"/>) or on another machine (<see cref="Tinker.TinkerModelPort"/>).
/// </summary>
/// <remarks>
/// Calls of one port take effect in the order in which they are made, so a step may be asked for before the gradient that it uses has come
/// back. Not to be called from two threads at once. What the caller got wrong is an <see cref="ArgumentException"/>; what went wrong at the
/// other end an <see cref="InvalidDataException"/> or <see cref="IOException"/>.
/// </remarks>
public interface IModelPort : IAsyncDisposable
{
    /// <summary>What the model takes, as far as it is known here.</summary>
    ModelLimits Limits { get; }

    /// <summary>Makes sure, before anything is done, that the model can be trained so here.</summary>
    /// <param name="temperature">At which log-probabilities are meant.</param>
    /// <exception cref="ArgumentException">It cannot; the message names what can be used.</exception>
    void Check(ISequenceObjective objective, float temperature);

    /// <summary>
    /// Continues prompts by the weights as they are now. A seed gives the same tokens again, whatever else is asked for with it.
    /// </summary>
    /// <returns>For each request as many continuations as it asked for.</returns>
    Task<IReadOnlyList<IReadOnlyList<SampledTokens>>> SampleAsync(
        IReadOnlyList<SamplingRequest> requests,
        CancellationToken cancellationToken
    );

    /// <summary>ln p of the drawn tokens of each sequence.</summary>
    /// <param name="by">Whose probabilities.</param>
    Task<IReadOnlyList<TokenScores>> ScoreAsync(IReadOnlyList<TokenSequence> sequences, ScoredBy by, CancellationToken cancellationToken);

    /// <summary>Adds the gradient of the objective over all the sequences to what the next step uses.</summary>
    /// <param name="maxTokens">Most tokens that a sequence could have had.</param>
    /// <param name="metrics">What the objective tells is added to it.</param>
    Task<TrainingPass> ForwardBackwardAsync(
        IReadOnlyList<TokenSequence> sequences,
        ISequenceObjective objective,
        int maxTokens,
        MetricSums metrics,
        CancellationToken cancellationToken
    );

    /// <summary>One update by AdamW, after which the gradients are zero.</summary>
    /// <returns>The norm of the gradients before clipping, where it is told. When it is not a number, no weight has changed.</returns>
    Task<double?> StepAsync(AdamStep update, CancellationToken cancellationToken);

    /// <summary>Keeps weights and optimizer under a name of letters, digits, '-' and '_' that was not used before.</summary>
    /// <returns>What <see cref="LoadAsync"/> takes.</returns>
    Task<string> SaveAsync(string name, CancellationToken cancellationToken);

    /// <summary>Goes back to what was saved.</summary>
    Task LoadAsync(string path, CancellationToken cancellationToken);

    /// <summary>Forgets what was saved.</summary>
    Task DeleteAsync(string path, CancellationToken cancellationToken);
}
