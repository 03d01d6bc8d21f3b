using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>What to train, as a request says it.</summary>
/// <param name="AgentId">Null for the default one, or the only one of the scope.</param>
/// <param name="DatasetId">Required.</param>
/// <param name="Method">Null for what is usual for the kind of the data set.</param>
/// <param name="BaseModel">A model of this machine by its name, or an earlier run's tuned model, to go on from that.</param>
/// <param name="Engine">Null for <c>local</c>.</param>
/// <param name="Labels">The answers that a classifier may give; null for those of the data set.</param>
public sealed record StartTrainingRequest(
    string? AgentId,
    string? DatasetId,
    string? Method = null,
    string? BaseModel = null,
    IReadOnlyDictionary<string, string>? Hyperparameters = null,
    string? Engine = null,
    IReadOnlyList<string>? Labels = null
);

/// <summary>Queues training runs, for the next server that has time.</summary>
public sealed class StartTraining(ITrainingRunStore runs, IDatasetStore datasets, IEnumerable<ITrainingEngine> engines, TimeProvider time)
    : IOperation
{
    private const string DefaultEngine = "local";

    /// <summary>The base model of a classifier, which begins with nothing.</summary>
    private const string NoBaseModel = "text-classifier";

    /// <summary>
    /// Checks everything that can be known before a run begins, and stores the run as pending. All mistakes are told at once
    /// (<see cref="ErrorKind.Invalid"/>); a run that this machine cannot hold is <see cref="ErrorKind.Conflict"/>, with what it needs, what
    /// there is, and what to lower. Asks for the role write; a data set of another agent is <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<TrainingRun> ExecuteAsync(Scope scope, StartTrainingRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        var agent = scope.Agent(request.AgentId, Scope.DefaultAgent);
        var dataset = await datasets.FindAsync(Ids.Check(request.DatasetId, "dataset_id"), cancellationToken).ConfigureAwait(false);
        if (dataset is null || dataset.AgentId != agent)
        {
            throw LightningException.NotFound(
                $"Data set {request.DatasetId} of agent '{agent}' not found. 'lightning list-datasets --agent-id {agent}' shows which "
                    + $"there are."
            );
        }

        List<string> mistakes = [];
        var method = MethodOf(request.Method, dataset, mistakes);
        var name = request.Engine ?? DefaultEngine;
        var engine = engines.FirstOrDefault(candidate => candidate.Name == name);
        if (engine is null)
        {
            mistakes.Add($"engine must be one of {string.Join(", ", engines.Select(candidate => candidate.Name))}, but it is '{name}'.");
        }

        if (dataset.TrainingCount == 0)
        {
            mistakes.Add($"Data set {dataset.Id} has no row to learn from. Build one with more episodes.");
        }

        var isClassifier = TrainingMethods.KindsOf(method) is [DatasetKind.Classification];
        if (request.Labels is { Count: > 0 } && !isClassifier)
        {
            mistakes.Add($"labels are for classifiers, but the method is {EnumText.Of(method)}. Leave them out.");
        }

        var baseModel = request.BaseModel ?? (isClassifier ? NoBaseModel : "");
        var parameters = request.Hyperparameters ?? new Dictionary<string, string>();
        var baseRun = baseModel.Length == 0 ? null : await runs.FindByModelAsync(agent, baseModel, cancellationToken).ConfigureAwait(false);
        var check = engine is null
            ? TrainingCheck.Good
            : await engine
                .CheckAsync(new TrainingPlan(dataset, method, baseModel, baseRun, parameters), cancellationToken)
                .ConfigureAwait(false);
        mistakes.AddRange(check.Mistakes);
        if (mistakes.Count > 0)
        {
            throw LightningException.Invalid(string.Join('\n', mistakes));
        }

        if (check.DoesNotFit is { } reason)
        {
            throw LightningException.Conflict(reason);
        }

        var now = time.GetUtcNow().Rounded();
        var run = new TrainingRun(
            Ids.New(now),
            agent,
            dataset.Id,
            name,
            method,
            check.BaseModel ?? baseModel,
            null,
            null,
            TrainingStatus.Pending,
            parameters,
            null,
            null,
            now,
            null,
            null
        )
        {
            IsQueued = true,
            Labels = request.Labels ?? [],
        };
        await runs.AddAsync(run, cancellationToken).ConfigureAwait(false);
        return run;
    }

    private static TrainingMethod MethodOf(string? word, Dataset dataset, List<string> mistakes)
    {
        var method = TrainingMethods.Usual(dataset.Kind);
        if (word is null)
        {
            return method;
        }

        try
        {
            method = EnumText.Parse<TrainingMethod>(word, "method");
        }
        catch (LightningException e)
        {
            mistakes.Add(e.Message);
            return method;
        }

        var kinds = TrainingMethods.KindsOf(method);
        if (!kinds.Contains(dataset.Kind))
        {
            var fitting = Enum.GetValues<TrainingMethod>().Where(other => TrainingMethods.KindsOf(other).Contains(dataset.Kind));
            mistakes.Add(
                $"The method {word} learns from a data set of kind {string.Join(" or ", kinds.Select(EnumText.Of))}, but data set "
                    + $"{dataset.Id} is of kind {EnumText.Of(dataset.Kind)}. From that learn: "
                    + $"{string.Join(", ", fitting.Select(EnumText.Of))}."
            );
        }

        return method;
    }
}
