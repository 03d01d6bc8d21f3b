using AgentLightning.Server.Training;
using AgentLightning.Training;

namespace AgentLightning.Cli.Records.Training;

/// <summary>Told how far a run is, with what it said since the last time.</summary>
internal delegate void TellRun(int? step, int? steps, IReadOnlyDictionary<string, double>? metrics, IReadOnlyList<string> messages);

/// <summary>Training runs.</summary>
internal interface ITrainingRecords
{
    /// <summary>Whether waiting for a run executes it in this process; otherwise a server does, whoever waits.</summary>
    bool ExecutesHere { get; }

    Task<StartTrainingResponse> StartAsync(StartTrainingBody run, CancellationToken cancellationToken);

    /// <summary>
    /// Waits until a run has come to its end. Cancelled it ends a run that this process executes, and leaves another alone.
    /// </summary>
    Task<TrainingRunResponse> WaitAsync(string id, TellRun tell, CancellationToken cancellationToken);

    Task<TrainingRunResponse> GetAsync(string id, CancellationToken cancellationToken);

    Task<TrainingRunListResponse> ListAsync(TrainingRunQuery query, CancellationToken cancellationToken);

    Task<TrainingRunResponse> CancelAsync(string id, CancellationToken cancellationToken);

    Task<TrainingLogResponse> LogAsync(TrainingLogQuery query, CancellationToken cancellationToken);
}
