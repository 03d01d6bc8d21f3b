using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scalar.AspNetCore;

namespace AgentLightning.Server.Pages;

/// <summary>What a browser sees that opens the address of the server: what this is, and where to go on. No record is shown.</summary>
internal static class FirstPage
{
    private const string Html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Agent Lightning</title>
        <style>
        :root { color-scheme: light dark }
        body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem }
        pre { overflow-x: auto; padding: .75rem; border: 1px solid #8888; border-radius: .4rem }
        </style>
        </head>
        <body>
        <h1>Agent Lightning</h1>
        <p>This server keeps what agents do and what people thought of it, and ships what was learned from it.</p>
        <ul>
        <li><a href="/docs/">The API</a>, to read and to try, and <a href="/openapi/v1.json">its OpenAPI document</a></li>
        <li><a href="/health/ready">Whether it is ready</a></li>
        <li><a href="/metrics">What it measures</a>, as Prometheus text</li>
        </ul>
        <p>Bring the first episode, and look at it:</p>
        <pre>curl -s ADDRESS/api/lightning/episodes -H 'content-type: application/json' \
          -d '{"id":"e1","agent_id":"shop","user_input":"Where is order 42?","assistant_output":"On its way."}'
        curl -s ADDRESS/api/lightning/episodes/e1</pre>
        <p>With API keys in its store, a server asks for one: <code>-H 'authorization: Bearer lk_…'</code>.
        <code>lightning --help</code> lists the commands; the documentation is in the folder <code>docs</code> of the project.</p>
        </body>
        </html>
        """;

    /// <summary>Maps the page and the reference of the API, which loads nothing from other machines.</summary>
    public static void MapPages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", (HttpRequest request) => Show(request)).ExcludeFromDescription().OpenToAll();
        routes
            .MapScalarApiReference("/docs", page =>
            {
                page.Title = "Agent Lightning: the API";
                page.DefaultFonts = false;
                page.Telemetry = false;
                page.Agent = new ScalarAgentOptions { Disabled = true };
                page.Mcp = new ScalarMcpOptions { Disabled = true };
            })
            .OpenToAll();
    }

    private static IResult Show(HttpRequest request)
    {
        request.HttpContext.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        // The name is the client's own word: only what can stand in an address is shown.
        var host =
            request.Host.Value is { Length: > 0 and < 256 } value
            && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or ':' or '[' or ']')
                ? value
                : "127.0.0.1:4747";
        return TypedResults.Text(Html.Replace("ADDRESS", $"http://{host}", StringComparison.Ordinal), "text/html; charset=utf-8");
    }
}
