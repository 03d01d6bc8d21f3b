using AgentLightning.Access;
using AgentLightning.Cli.Commands;
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

/// <summary>Records straight from a store, which its user owns.</summary>
/// <param name="workspace">Disposed with these records.</param>
internal sealed class StoreRecords(Workspace workspace) : IRecords
{
    private static readonly Scope s_scope = Scope.Owner("cli");

    public IEpisodeRecords Episodes { get; } = new StoreEpisodeRecords(workspace, s_scope);

    public IRewardRecords Rewards { get; } = new StoreRewardRecords(workspace, s_scope);

    public IFeedbackRecords Feedback { get; } = new StoreFeedbackRecords(workspace, s_scope);

    public IStatsRecords Stats { get; } = new StoreStatsRecords(workspace, s_scope);

    public ITriageRecords Triage { get; } = new StoreTriageRecords(workspace, s_scope);

    public ITrainingRecords Training { get; } = new StoreTrainingRecords(workspace, s_scope);

    public IDatasetRecords Datasets { get; } = new StoreDatasetRecords(workspace, s_scope);

    public IReleaseRecords Releases { get; } = new StoreReleaseRecords(workspace, s_scope);

    public IEvaluationRecords Evaluations { get; } = new StoreEvaluationRecords(workspace, s_scope);

    public IExperimentRecords Experiments { get; } = new StoreExperimentRecords(workspace, s_scope);

    public IKeyRecords Keys { get; } = new StoreKeyRecords(workspace, s_scope);

    public IAuditRecords Audit { get; } = new StoreAuditRecords(workspace, s_scope);

    public ITraceRecords Traces { get; } = new StoreTraceRecords(workspace, s_scope);

    public IIdRecords Ids { get; } = new StoreIdRecords(workspace, s_scope);

    public IHealthRecords Health { get; } = new StoreHealthRecords(workspace, s_scope);

    public ValueTask DisposeAsync() => workspace.DisposeAsync();
}
