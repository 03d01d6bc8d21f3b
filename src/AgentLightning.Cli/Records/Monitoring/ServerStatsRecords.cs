using AgentLightning.Monitoring;

namespace AgentLightning.Cli.Records.Monitoring;

internal sealed class ServerStatsRecords(ServerConnection server) : IStatsRecords
{
    public Task<AgentStats> ReadAsync(string agentId, CancellationToken cancellationToken) =>
        server.GetAsync<AgentStats>($"stats?{ServerQuery.Of(("agent_id", agentId))}", cancellationToken);
}
