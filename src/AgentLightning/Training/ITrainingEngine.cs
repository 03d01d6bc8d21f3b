using AgentLightning.Datasets;

namespace AgentLightning.Training;

/// <summary>An answer that a policy in training wants to try on an input.</summary>
public sealed record RolloutAnswer(string Key, string Input, string Action, double LogProbability);

/// <summary>
/// Where a policy in training tries fresh answers and is told how good each was, −1…1, and nothing else. What is tried is captured as
/// episodes.
/// </summary>
public interface IRolloutEnvironment
{
    /// <summary>The rewards of the answers, in their order. <paramref name="round"/> counts from 0.</summary>
    Task<IReadOnlyList<double>> TryAsync(
        string trainingRunId,
        int round,
        IReadOnlyList<RolloutAnswer> answers,
        CancellationToken cancellationToken
    );
}

/// <summary>What an engine is given: the run, and only the examples it may learn from.</summary>
/// <param name="Labels">The answers that the policy may give.</param>
/// <param name="Environment">Where fresh answers can be tried; null to learn from logged ones only.</param>
public sealed record TrainingJob(
    TrainingRun Run,
    IReadOnlyList<DatasetExample> Examples,
    IReadOnlyList<string> Labels,
    IRolloutEnvironment? Environment
);

/// <summary>How far a run is.</summary>
/// <param name="Step">From 1 to <paramref name="Steps"/>.</param>
/// <param name="Metrics">Under the field's names, for example <c>loss</c>, <c>reward</c>.</param>
public sealed record TrainingProgress(int Step, int Steps, IReadOnlyDictionary<string, double> Metrics);

/// <summary>A trained model: its content is written to the artifact store by <paramref name="Write"/>.</summary>
public sealed record TunedModel(string Name, Func<Stream, Task> Write, IReadOnlyDictionary<string, double> Metrics);

/// <summary>Executes training runs.</summary>
public interface ITrainingEngine
{
    /// <summary>As runs name it, for example <c>local</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Trains. A run that cannot be done fails with an exception whose message says why. Cancellation ends it with
    /// <see cref="OperationCanceledException"/>.
    /// </summary>
    Task<TunedModel> TrainAsync(TrainingJob job, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken);
}
