using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Lookup;

namespace AgentLightning.Cli.Records.Lookup;

internal sealed class StoreIdRecords(Workspace workspace, Scope scope) : IIdRecords
{
    public Task<string> FindAsync(RecordKind kind, string given, CancellationToken cancellationToken) =>
        workspace.Get<FindId>().ExecuteAsync(scope, kind, given, cancellationToken);
}
