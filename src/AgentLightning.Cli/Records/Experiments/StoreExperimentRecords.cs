using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Experiments;
using AgentLightning.Server.Experiments;

namespace AgentLightning.Cli.Records.Experiments;

internal sealed class StoreExperimentRecords(Workspace workspace, Scope scope) : IExperimentRecords
{
    public Task<Experiment> StartAsync(StartExperimentBody experiment, CancellationToken cancellationToken) =>
        workspace.Get<StartExperiment>().ExecuteAsync(scope, experiment.ToRequest(), cancellationToken);

    public async Task<ExperimentResponse> StatusAsync(string agentId, string? id, string slot, CancellationToken cancellationToken)
    {
        var get = workspace.Get<GetExperiment>();
        return ExperimentResponse.Of(
            id is null
                ? await get.LatestAsync(scope, agentId, slot, cancellationToken)
                : await get.ExecuteAsync(scope, id, cancellationToken)
        );
    }

    public Task<Experiment> StopAsync(StopExperimentBody experiment, CancellationToken cancellationToken) =>
        workspace.Get<StopExperiment>().ExecuteAsync(scope, experiment.ToRequest(), cancellationToken);

    public Task<Experiment> StepAsync(StepExperimentBody experiment, CancellationToken cancellationToken) =>
        workspace.Get<StopExperiment>().StepAsync(scope, experiment.ToRequest(), cancellationToken);

    public async Task<ExperimentListResponse> ListAsync(string agentId, int limit, CancellationToken cancellationToken) =>
        ExperimentListResponse.Of(await workspace.Get<ListExperiments>().ExecuteAsync(scope, agentId, limit, null, cancellationToken));
}
