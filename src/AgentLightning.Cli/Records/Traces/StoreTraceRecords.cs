using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Traces;

namespace AgentLightning.Cli.Records.Traces;

internal sealed class StoreTraceRecords(Workspace workspace, Scope scope) : ITraceRecords
{
    public Task<TraceReport> DiagnoseAsync(CancellationToken cancellationToken) =>
        workspace.Get<DiagnoseTraces>().ExecuteAsync(scope, cancellationToken);
}
