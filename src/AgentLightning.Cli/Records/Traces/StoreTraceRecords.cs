using AgentLightning.Cli.Commands;
using AgentLightning.Traces;

namespace AgentLightning.Cli.Records.Traces;

internal sealed class StoreTraceRecords(Workspace workspace) : ITraceRecords
{
    public Task<TraceReport> DiagnoseAsync(CancellationToken cancellationToken) =>
        workspace.Get<TraceDiagnostics>().ReadAsync(cancellationToken);
}
