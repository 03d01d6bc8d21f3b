using AgentLightning.Common;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Pages;

/// <summary>Finds the routes that somebody may have meant who asked for one that there is not.</summary>
internal sealed class NearRoutes(EndpointDataSource endpoints)
{
    /// <summary>The patterns that are nearest to a path, at most three; else those whose last part is like that of the path.</summary>
    public IReadOnlyList<string> Of(string path)
    {
        var given = Parts(path);
        var patterns = endpoints
            .Endpoints.OfType<RouteEndpoint>()
            .Select(endpoint => "/" + endpoint.RoutePattern.RawText!.TrimStart('/'))
            .Where(pattern => !pattern.StartsWith("/docs", StringComparison.Ordinal))
            .ToList();
        var near = NearNames.Of(
            path.TrimEnd('/'),
            patterns.Select(pattern => Parts(pattern).Length == given.Length ? Filled(pattern, given) : pattern)
        );
        return near.Count > 0 || given.Length == 0
            ? near
            :
            [
                .. patterns
                    .Where(pattern =>
                        Parts(pattern) is { Length: > 0 } parts && NearNames.Of(given[^1], [parts[^1]], 1).Contains(parts[^1])
                    )
                    .Distinct(StringComparer.Ordinal)
                    .Order(StringComparer.Ordinal)
                    .Take(3),
            ];
    }

    /// <summary>With what the path has in the place of parameters.</summary>
    private static string Filled(string pattern, string[] given) =>
        "/" + string.Join('/', Parts(pattern).Select((part, i) => part.StartsWith('{') && part.EndsWith('}') ? given[i] : part));

    private static string[] Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);
}
