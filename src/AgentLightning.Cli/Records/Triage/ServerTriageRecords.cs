using AgentLightning.Server.Triage;

namespace AgentLightning.Cli.Records.Triage;

internal sealed class ServerTriageRecords(ServerConnection server) : ITriageRecords
{
    public Task<TriageResponse> AnalyseAsync(TriageRequest feedback, CancellationToken cancellationToken) =>
        server.PostAsync<TriageRequest, TriageResponse>("triage", feedback, cancellationToken);
}
