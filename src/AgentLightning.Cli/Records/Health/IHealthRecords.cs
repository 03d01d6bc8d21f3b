using AgentLightning.Health;

namespace AgentLightning.Cli.Records.Health;

/// <summary>Whether the place of the records works.</summary>
internal interface IHealthRecords
{
    /// <summary>Whether the place itself works; what is wrong with it is in the answer.</summary>
    Task<HealthReport> CheckAsync(CancellationToken cancellationToken);
}
