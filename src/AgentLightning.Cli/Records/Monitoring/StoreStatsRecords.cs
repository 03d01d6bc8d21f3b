using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Monitoring;

namespace AgentLightning.Cli.Records.Monitoring;

internal sealed class StoreStatsRecords(Workspace workspace, Scope scope) : IStatsRecords
{
    public Task<AgentStats> ReadAsync(string agentId, CancellationToken cancellationToken) =>
        workspace.Get<GetStats>().ReadAsync(scope, agentId, cancellationToken);
}
