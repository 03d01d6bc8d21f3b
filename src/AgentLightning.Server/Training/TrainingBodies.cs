using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using AgentLightning.Common;
using AgentLightning.Training;

namespace AgentLightning.Server.Training;

/// <summary>What to train.</summary>
/// <param name="DatasetId">The data set to learn from; required.</param>
/// <param name="BaseModel">A model of the server by its name, or an earlier run's tuned model; required for language models.</param>
/// <param name="Method">What is usual for the kind of the data set by default.</param>
/// <param name="NEpochs">The same as <c>n_epochs</c> among the hyper-parameters.</param>
/// <param name="Hyperparameters">By name; numbers, true or false, or texts.</param>
/// <param name="Engine"><c>local</c> by default.</param>
/// <param name="Labels">The answers that a classifier may give; those of the data set by default.</param>
public sealed record StartTrainingBody(
    string? AgentId = null,
    string? DatasetId = null,
    string? BaseModel = null,
    string? Method = null,
    int? NEpochs = null,
    IReadOnlyDictionary<string, JsonElement>? Hyperparameters = null,
    string? Engine = null,
    IReadOnlyList<string>? Labels = null
)
{
    /// <exception cref="LightningException">A hyper-parameter is neither number, truth value nor text.</exception>
    public StartTrainingRequest ToRequest()
    {
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in Hyperparameters ?? new Dictionary<string, JsonElement>())
        {
            parameters[name] = value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
                // A grader is an object.
                JsonValueKind.Object => value.GetRawText(),
                var kind => throw LightningException.Invalid(
                    $"The hyper-parameter '{name}' must be a number, true, false or a text, but it is {kind}."
                ),
            };
        }

        if (NEpochs is { } epochs && !parameters.TryAdd("n_epochs", epochs.ToString(CultureInfo.InvariantCulture)))
        {
            throw LightningException.Invalid("n_epochs is given twice: by itself and among the hyper-parameters. Give it once.");
        }

        return new StartTrainingRequest(AgentId, DatasetId, Method, BaseModel, parameters, Engine, Labels);
    }
}

/// <summary>A run that was queued.</summary>
public sealed record StartTrainingResponse(
    bool Success,
    string RunId,
    string TrainingRunId,
    string AgentId,
    string DatasetId,
    string BaseModel,
    TrainingMethod Method,
    string Engine,
    TrainingStatus Status,
    IReadOnlyDictionary<string, JsonElement> Hyperparameters,
    string? AoaiJobId,
    DateTimeOffset CreatedAt
)
{
    public static StartTrainingResponse Of(TrainingRun run) =>
        new(
            true,
            run.Id,
            run.Id,
            run.AgentId,
            run.DatasetId,
            run.BaseModel,
            run.Method,
            run.Engine,
            run.Status,
            TrainingRunResponse.Values(run.Hyperparameters),
            null,
            run.CreatedAt
        );
}

/// <summary>A run.</summary>
/// <param name="RunId">The same as <paramref name="Id"/>.</param>
/// <param name="TunedModel">The same as <paramref name="TunedModelName"/>.</param>
/// <param name="AoaiJobId">The job of a hosted engine; null for runs of this server.</param>
/// <param name="Step">Steps made so far.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Attempts">How often it was begun or gone on with.</param>
/// <param name="CheckpointStep">The step after which another server would go on.</param>
/// <param name="CancelRequested">It stops at its next step.</param>
public sealed record TrainingRunResponse(
    string Id,
    string RunId,
    string AgentId,
    string DatasetId,
    string BaseModel,
    string? TunedModelName,
    string? TunedModel,
    TrainingMethod Method,
    string Engine,
    TrainingStatus Status,
    IReadOnlyDictionary<string, JsonElement> Hyperparameters,
    IReadOnlyDictionary<string, double>? Metrics,
    string? AoaiJobId,
    string? ErrorMessage,
    int? Step,
    int? Steps,
    int Attempts,
    int? CheckpointStep,
    bool CancelRequested,
    DateTimeOffset? ProgressedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt,
    DateTimeOffset CreatedAt
)
{
    [JsonIgnore]
    public bool IsOver => Status is TrainingStatus.Succeeded or TrainingStatus.Failed or TrainingStatus.Cancelled;

    public static TrainingRunResponse Of(TrainingRun run) =>
        new(
            run.Id,
            run.Id,
            run.AgentId,
            run.DatasetId,
            run.BaseModel,
            run.TunedModelName,
            run.TunedModelName,
            run.Method,
            run.Engine,
            run.Status,
            Values(run.Hyperparameters),
            run.Metrics,
            null,
            run.ErrorMessage,
            run.Step,
            run.Steps,
            run.Attempts,
            run.IsOver ? null : run.CheckpointStep,
            run.CancelRequested && !run.IsOver,
            run.ProgressedAt,
            run.StartedAt,
            run.CompletedAt,
            run.CreatedAt
        );

    /// <summary>Numbers and truth values as such, other texts as texts.</summary>
    internal static Dictionary<string, JsonElement> Values(IReadOnlyDictionary<string, string> parameters) =>
        parameters.ToDictionary(
            parameter => parameter.Key,
            parameter =>
                parameter.Value is "true" or "false" ? JsonSerializer.SerializeToElement(parameter.Value == "true")
                : long.TryParse(parameter.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                    ? JsonSerializer.SerializeToElement(whole)
                : double.TryParse(parameter.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                && double.IsFinite(number)
                    ? JsonSerializer.SerializeToElement(number)
                : JsonSerializer.SerializeToElement(parameter.Value)
        );
}

/// <summary>Runs, newest first.</summary>
public sealed record TrainingRunListResponse(string? AgentId, int RunsFound, IReadOnlyList<TrainingRunResponse> TrainingRuns)
{
    public static TrainingRunListResponse Of(string? agentId, IReadOnlyList<TrainingRun> runs) =>
        new(agentId, runs.Count, [.. runs.Select(TrainingRunResponse.Of)]);
}

/// <summary>What a run says, oldest first.</summary>
/// <param name="Lines">A line is a message, or what a step measured.</param>
public sealed record TrainingLogResponse(string RunId, TrainingStatus Status, IReadOnlyList<TrainingLogLine> Lines);
