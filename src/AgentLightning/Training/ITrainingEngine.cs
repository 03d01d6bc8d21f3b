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

/// <summary>What is to be trained, before it is a run.</summary>
/// <param name="BaseRun">The earlier run whose tuned model <paramref name="BaseModel"/> names; null where it names none.</param>
public sealed record TrainingPlan(
    Dataset Dataset,
    TrainingMethod Method,
    string BaseModel,
    TrainingRun? BaseRun,
    IReadOnlyDictionary<string, string> Hyperparameters
);

/// <summary>What an engine says of a plan.</summary>
/// <param name="Mistakes">Everything that is wrong with it, each with the value seen.</param>
/// <param name="DoesNotFit">Why this machine cannot hold it, with both numbers and what to lower; null when it can.</param>
/// <param name="BaseModel">The base model's name as the run is to keep it; null for as it was given.</param>
public sealed record TrainingCheck(IReadOnlyList<string> Mistakes, string? DoesNotFit = null, string? BaseModel = null)
{
    /// <summary>There is nothing to say.</summary>
    public static TrainingCheck Good { get; } = new([]);
}

/// <summary>What an engine is given: the run, and only what it may learn from.</summary>
/// <param name="Examples">Those to learn from of a data set of kind classification; empty for others.</param>
/// <param name="Labels">The answers that the policy may give; empty for those of the data set.</param>
/// <param name="Environment">Where fresh answers can be tried; null to learn from logged ones only, or from a grader.</param>
public sealed record TrainingJob(
    TrainingRun Run,
    IReadOnlyList<DatasetExample> Examples,
    IReadOnlyList<string> Labels,
    IRolloutEnvironment? Environment
)
{
    /// <summary>The rows of a data set of another kind; null for examples.</summary>
    public TrainingRows? Rows { get; init; }

    /// <summary>The earlier run whose tuned model is the base model; null where that is none.</summary>
    public TrainingRun? BaseRun { get; init; }

    /// <summary>Where it is saved; null for nowhere.</summary>
    public ITrainingCheckpoints? Checkpoints { get; init; }
}

/// <summary>How far a run is.</summary>
/// <param name="Step">From 1 to <paramref name="Steps"/>; 0 with <paramref name="Message"/> alone.</param>
/// <param name="Metrics">Under the field's names, for example <c>loss</c>, <c>reward</c>.</param>
/// <param name="Message">What there is to say beside; null for nothing.</param>
public sealed record TrainingProgress(int Step, int Steps, IReadOnlyDictionary<string, double> Metrics, string? Message = null)
{
    /// <summary>Something to say, and no step.</summary>
    public static TrainingProgress Say(string message) => new(0, 0, new Dictionary<string, double>(), message);
}

/// <summary>A trained model: its content is written to the artifact store by <paramref name="Write"/>.</summary>
/// <param name="Release">Gives back what the content is written from; null where that is nothing.</param>
public sealed record TunedModel(string Name, Func<Stream, Task> Write, IReadOnlyDictionary<string, double> Metrics, Action? Release = null);

/// <summary>Executes training runs.</summary>
public interface ITrainingEngine
{
    /// <summary>As runs name it, for example <c>local</c>.</summary>
    string Name { get; }

    /// <summary>Looks at a plan before it becomes a run.</summary>
    Task<TrainingCheck> CheckAsync(TrainingPlan plan, CancellationToken cancellationToken) => Task.FromResult(TrainingCheck.Good);

    /// <summary>
    /// Trains. A run that cannot be done fails with an exception whose message says why. Cancellation ends it with
    /// <see cref="OperationCanceledException"/>. From a checkpoint it goes on as if it had not stopped.
    /// </summary>
    Task<TunedModel> TrainAsync(TrainingJob job, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken);
}
