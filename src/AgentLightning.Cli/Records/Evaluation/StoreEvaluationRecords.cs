using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Deployments;
using AgentLightning.Evaluation;
using AgentLightning.Server.Evaluation;

namespace AgentLightning.Cli.Records.Evaluation;

internal sealed class StoreEvaluationRecords(Workspace workspace, Scope scope) : IEvaluationRecords
{
    public Task<EvaluationRecord> EvaluateAsync(EvaluateBody run, CancellationToken cancellationToken) =>
        workspace.Get<EvaluateRun>().ExecuteAsync(scope, run.ToRequest(), cancellationToken);
}
