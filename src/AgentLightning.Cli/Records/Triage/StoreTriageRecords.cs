using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Server.Triage;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Records.Triage;

internal sealed class StoreTriageRecords(Workspace workspace, Scope scope) : ITriageRecords
{
    public async Task<TriageResponse> AnalyseAsync(TriageRequest feedback, CancellationToken cancellationToken) =>
        TriageResponse.Of(
            await workspace
                .Get<TriageFeedback>()
                .ExecuteAsync(scope, feedback.ToTask(), feedback.ToCall(), Random.Shared, cancellationToken)
        );
}
