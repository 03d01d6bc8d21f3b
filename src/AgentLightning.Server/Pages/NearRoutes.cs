using AgentLightning.Common;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Pages;

/// <summary>Finds the routes that somebody may have meant who asked for one that there is not.</summary>
internal sealed class NearRoutes(EndpointDataSource endpoints)
{
    /// <summary>The patterns that are nearest to a path, at most three.</summary>
    public IReadOnlyList<string> Of(string path)
    {
        var given = Parts(path);
        return NearNames.Of(
            path.TrimEnd('/'),
            endpoints
                .Endpoints.OfType<RouteEndpoint>()
                .Select(endpoint => "/" + endpoint.RoutePattern.RawText!.TrimStart('/'))
                .Where(pattern => !pattern.StartsWith("/docs", StringComparison.Ordinal))
                .Select(pattern => Parts(pattern).Length == given.Length ? Filled(pattern, given) : pattern)
        );
    }

    /// <summary>With what the path has in the place of parameters.</summary>
    private static string Filled(string pattern, string[] given) =>
        "/" + string.Join('/', Parts(pattern).Select((part, i) => part.StartsWith('{') ? given[i] : part));

    private static string[] Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);
}
