using AgentLightning.Traces;

namespace AgentLightning.Cli.Records.Traces;

internal sealed class ServerTraceRecords(ServerConnection server) : ITraceRecords
{
    public Task<TraceReport> DiagnoseAsync(CancellationToken cancellationToken) =>
        server.GetAsync<TraceReport>("diagnostics/traces", cancellationToken);
}
