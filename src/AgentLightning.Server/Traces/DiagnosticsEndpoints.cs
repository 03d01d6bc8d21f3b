using AgentLightning.Access;
using AgentLightning.Server.Access;
using AgentLightning.Traces;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Traces;

internal static class DiagnosticsEndpoints
{
    public static void MapDiagnostics(this IEndpointRouteBuilder routes) =>
        routes
            .MapGet("/diagnostics/traces", (DiagnoseTraces diagnostics, Scope scope, CancellationToken cancellationToken) =>
                diagnostics.ExecuteAsync(scope, cancellationToken)
            )
            .WithSummary("What was received by OpenTelemetry, from whom, what was rejected, what is missing, and which switch turns it on.")
            .RequiresRole(Role.Read, AgentRule.AllAgents);
}
