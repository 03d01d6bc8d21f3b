using AgentLightning.Evaluation;
using AgentLightning.Server.Evaluation;

namespace AgentLightning.Cli.Records.Evaluation;

/// <summary>Proofs of runs against what serves.</summary>
internal interface IEvaluationRecords
{
    Task<EvaluationRecord> EvaluateAsync(EvaluateBody run, CancellationToken cancellationToken);
}
