using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Server.Training;
using AgentLightning.Training;

namespace AgentLightning.Cli.Records.Training;

internal sealed class StoreTrainingRecords(Workspace workspace, Scope scope) : ITrainingRecords
{
    public bool ExecutesHere => true;

    public async Task<StartTrainingResponse> StartAsync(StartTrainingBody run, CancellationToken cancellationToken) =>
        StartTrainingResponse.Of(await workspace.Get<StartTraining>().ExecuteAsync(scope, run.ToRequest(), cancellationToken));

    public async Task<TrainingRunResponse> WaitAsync(string id, TellRun tell, CancellationToken cancellationToken)
    {
        var run = await workspace.Get<ExecuteTraining>().ExecuteAsync(scope, id, new Teller(tell), cancellationToken);
        // A server that works on the same store may have been faster.
        return run is null ? await RunWatch.WaitAsync(this, id, tell, cancellationToken) : TrainingRunResponse.Of(run);
    }

    public async Task<TrainingRunResponse> GetAsync(string id, CancellationToken cancellationToken) =>
        TrainingRunResponse.Of(await workspace.Get<GetTrainingRun>().ExecuteAsync(scope, id, cancellationToken));

    public async Task<TrainingRunListResponse> ListAsync(TrainingRunQuery query, CancellationToken cancellationToken)
    {
        var page = await workspace.Get<ListTrainingRuns>().ExecuteAsync(scope, query, cancellationToken);
        return TrainingRunListResponse.Of(query.AgentId, page.Items);
    }

    public async Task<TrainingRunResponse> CancelAsync(string id, CancellationToken cancellationToken) =>
        TrainingRunResponse.Of(await workspace.Get<CancelTraining>().ExecuteAsync(scope, id, cancellationToken));

    public async Task<TrainingLogResponse> LogAsync(TrainingLogQuery query, CancellationToken cancellationToken)
    {
        var (run, lines) = await workspace.Get<GetTrainingLog>().ExecuteAsync(scope, query, cancellationToken);
        return new TrainingLogResponse(run.Id, run.Status, lines);
    }

    /// <summary>Tells at once, and not later on another thread.</summary>
    private sealed class Teller(TellRun tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) =>
            tell(
                value.Step > 0 ? value.Step : null,
                value.Step > 0 ? value.Steps : null,
                value.Step > 0 ? value.Metrics : null,
                value.Message is { } message ? [message] : []
            );
    }
}
