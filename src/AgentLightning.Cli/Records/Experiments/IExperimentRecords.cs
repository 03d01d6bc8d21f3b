using AgentLightning.Experiments;
using AgentLightning.Server.Experiments;

namespace AgentLightning.Cli.Records.Experiments;

/// <summary>Splits between releases.</summary>
internal interface IExperimentRecords
{
    Task<Experiment> StartAsync(StartExperimentBody experiment, CancellationToken cancellationToken);

    /// <summary>The one of an id, or the one that runs, or else the last.</summary>
    Task<ExperimentResponse> StatusAsync(string agentId, string? id, string slot, CancellationToken cancellationToken);

    Task<Experiment> StopAsync(StopExperimentBody experiment, CancellationToken cancellationToken);

    Task<Experiment> StepAsync(StepExperimentBody experiment, CancellationToken cancellationToken);

    Task<ExperimentListResponse> ListAsync(string agentId, int limit, CancellationToken cancellationToken);
}
