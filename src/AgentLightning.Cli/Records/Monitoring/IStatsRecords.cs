using AgentLightning.Monitoring;

namespace AgentLightning.Cli.Records.Monitoring;

/// <summary>How much an agent has of everything.</summary>
internal interface IStatsRecords
{
    Task<AgentStats> ReadAsync(string agentId, CancellationToken cancellationToken);
}
