using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Health;

namespace AgentLightning.Cli.Records.Health;

internal sealed class StoreHealthRecords(Workspace workspace, Scope scope) : IHealthRecords
{
    public Task<HealthReport> CheckAsync(CancellationToken cancellationToken) =>
        workspace.Get<CheckHealth>().LookAsync(scope, cancellationToken);
}
