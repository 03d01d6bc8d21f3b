using AgentLightning.Experiments;
using AgentLightning.Server.Experiments;

namespace AgentLightning.Cli.Records.Experiments;

internal sealed class ServerExperimentRecords(ServerConnection server) : IExperimentRecords
{
    public Task<Experiment> StartAsync(StartExperimentBody experiment, CancellationToken cancellationToken) =>
        server.PostAsync<StartExperimentBody, Experiment>("experiments", experiment, cancellationToken);

    public Task<ExperimentResponse> StatusAsync(string agentId, string? id, string slot, CancellationToken cancellationToken) =>
        server.GetAsync<ExperimentResponse>(
            id is null
                ? $"experiments/status?{ServerQuery.Of(("agent_id", agentId), ("slot", slot))}"
                : $"experiments/{Uri.EscapeDataString(id)}",
            cancellationToken
        );

    public Task<Experiment> StopAsync(StopExperimentBody experiment, CancellationToken cancellationToken) =>
        server.PostAsync<StopExperimentBody, Experiment>("experiments/stop", experiment, cancellationToken);

    public Task<Experiment> StepAsync(StepExperimentBody experiment, CancellationToken cancellationToken) =>
        server.PostAsync<StepExperimentBody, Experiment>("experiments/step", experiment, cancellationToken);

    public Task<ExperimentListResponse> ListAsync(string agentId, int limit, CancellationToken cancellationToken) =>
        server.GetAsync<ExperimentListResponse>($"experiments?{ServerQuery.Of(("agent_id", agentId))}&limit={limit}", cancellationToken);
}
