using AgentLightning.Traces;

namespace AgentLightning.Cli.Records.Traces;

/// <summary>What was received by OpenTelemetry.</summary>
internal interface ITraceRecords
{
    Task<TraceReport> DiagnoseAsync(CancellationToken cancellationToken);
}
