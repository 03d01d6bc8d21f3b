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

/// <summary>
/// The records that commands read and change, feature by feature, in a store on this machine's disk or network, or behind a server: the
/// same answers and the same errors from both.
/// </summary>
internal interface IRecords : IAsyncDisposable
{
    IEpisodeRecords Episodes { get; }

    IRewardRecords Rewards { get; }

    IFeedbackRecords Feedback { get; }

    IStatsRecords Stats { get; }

    ITriageRecords Triage { get; }

    ITrainingRecords Training { get; }

    IDatasetRecords Datasets { get; }

    IReleaseRecords Releases { get; }

    IEvaluationRecords Evaluations { get; }

    IExperimentRecords Experiments { get; }

    IKeyRecords Keys { get; }

    IAuditRecords Audit { get; }

    ITraceRecords Traces { get; }

    IIdRecords Ids { get; }

    IHealthRecords Health { get; }
}
