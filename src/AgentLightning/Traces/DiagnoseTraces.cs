using AgentLightning.Access;

namespace AgentLightning.Traces;

/// <summary>Says what was received by OpenTelemetry, from whom, and what it lacks.</summary>
public sealed class DiagnoseTraces(TraceDiagnostics diagnostics) : IOperation
{
    /// <summary>Of all senders together, whose spans may be of any agent; role read, for all agents.</summary>
    public Task<TraceReport> ExecuteAsync(Scope scope, CancellationToken cancellationToken)
    {
        scope.RequireAllAgents(Role.Read);
        return diagnostics.ReadAsync(cancellationToken);
    }
}
