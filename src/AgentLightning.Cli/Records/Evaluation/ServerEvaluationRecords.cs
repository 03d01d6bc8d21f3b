using AgentLightning.Evaluation;
using AgentLightning.Server.Evaluation;

namespace AgentLightning.Cli.Records.Evaluation;

internal sealed class ServerEvaluationRecords(ServerConnection server) : IEvaluationRecords
{
    public Task<EvaluationRecord> EvaluateAsync(EvaluateBody run, CancellationToken cancellationToken) =>
        server.PostAsync<EvaluateBody, EvaluationRecord>("evaluations", run, cancellationToken);
}
