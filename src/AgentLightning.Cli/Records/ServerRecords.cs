using AgentLightning.Cli.Records.Access;
using AgentLightning.Cli.Records.Audit;
using AgentLightning.Cli.Records.Datasets;
using AgentLightning.Cli.Records.Deployments;
using AgentLightning.Cli.Records.Episodes;
using AgentLightning.Cli.Records.Evaluation;
using AgentLightning.Cli.Records.Experiments;
using AgentLightning.Cli.Records.Feedback;
using AgentLightning.Cli.Records.Health;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Cli.Records.Monitoring;
using AgentLightning.Cli.Records.Rewards;
using AgentLightning.Cli.Records.Traces;
using AgentLightning.Cli.Records.Training;
using AgentLightning.Cli.Records.Triage;

namespace AgentLightning.Cli.Records;

/// <summary>Records behind a server. What it refuses is told in its own words.</summary>
/// <param name="server">Disposed with these records.</param>
internal sealed class ServerRecords(ServerConnection server) : IRecords
{
    public IEpisodeRecords Episodes { get; } = new ServerEpisodeRecords(server);

    public IRewardRecords Rewards { get; } = new ServerRewardRecords(server);

    public IFeedbackRecords Feedback { get; } = new ServerFeedbackRecords(server);

    public IStatsRecords Stats { get; } = new ServerStatsRecords(server);

    public ITriageRecords Triage { get; } = new ServerTriageRecords(server);

    public ITrainingRecords Training { get; } = new ServerTrainingRecords(server);

    public IDatasetRecords Datasets { get; } = new ServerDatasetRecords(server);

    public IReleaseRecords Releases { get; } = new ServerReleaseRecords(server);

    public IEvaluationRecords Evaluations { get; } = new ServerEvaluationRecords(server);

    public IExperimentRecords Experiments { get; } = new ServerExperimentRecords(server);

    public IKeyRecords Keys { get; } = new ServerKeyRecords(server);

    public IAuditRecords Audit { get; } = new ServerAuditRecords(server);

    public ITraceRecords Traces { get; } = new ServerTraceRecords(server);

    public IIdRecords Ids { get; } = new ServerIdRecords(server);

    public IHealthRecords Health { get; } = new ServerHealthRecords(server);

    public ValueTask DisposeAsync()
    {
        server.Dispose();
        return ValueTask.CompletedTask;
    }
}
