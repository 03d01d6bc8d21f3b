using System.Net;
using AgentLightning.Common;
using AgentLightning.Local;
using AgentLightning.Server.Deployments;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Rewards;
using AgentLightning.Server.Stats;
using AgentLightning.Server.Triage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Server;

/// <summary>Builds the web application: the product's services behind REST endpoints under <c>/api/lightning</c>.</summary>
public static class LightningServer
{
    private const long LargestBody = 8 * 1024 * 1024;

    /// <summary>
    /// Makes the application with its store open; the caller starts and disposes it. Disposal writes every captured episode.
    /// Bad options are <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public static async Task<WebApplication> BuildAsync(LightningServerOptions options, CancellationToken cancellationToken)
    {
        CheckUrls(options.Urls);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(options.Urls);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = LargestBody);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // The server says itself where it listens, and shutting down takes no stack traces to explain.
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        builder.Services.AddLightning(options.Lightning).AddLocalEngine();
        builder.Services.ConfigureHttpJsonOptions(json => LightningJson.Apply(json.SerializerOptions));
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler<ProblemHandler>();
        builder.Services.AddOpenApi();

        var app = builder.Build();
        await app.Services.OpenLightningAsync(create: true, cancellationToken);
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.MapOpenApi();
        app.MapGet("/health", (TimeProvider time) => new HealthResponse("healthy", time.GetUtcNow())).WithSummary("Whether the process is alive.");
        var api = app.MapGroup("/api/lightning");
        api.MapTriage();
        api.MapEpisodes();
        api.MapRewards();
        api.MapDeployments();
        api.MapStats();
        return app;
    }

    private static void CheckUrls(string urls)
    {
        foreach (var url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var good = Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https";
            if (!good)
            {
                throw LightningException.Invalid($"--urls must be addresses such as {LightningServerOptions.DefaultUrl}, but it holds '{url}'.");
            }

            if (!uri!.IsLoopback && !(IPAddress.TryParse(uri.Host, out var address) && IPAddress.IsLoopback(address)))
            {
                throw LightningException.Invalid($"The server has no access control yet and listens only on loopback addresses, but --urls holds '{url}'. Use {LightningServerOptions.DefaultUrl}, and a reverse proxy with access control in front of it.");
            }
        }
    }
}

/// <summary>The answer of <c>/health</c>.</summary>
public sealed record HealthResponse(string Status, DateTimeOffset Timestamp);
