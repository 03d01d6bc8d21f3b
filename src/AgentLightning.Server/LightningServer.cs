using System.Net;
using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Local;
using AgentLightning.Server.Capture;
using AgentLightning.Server.Deployments;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Feedback;
using AgentLightning.Server.Monitoring;
using AgentLightning.Server.Retention;
using AgentLightning.Server.Rewards;
using AgentLightning.Server.Stats;
using AgentLightning.Server.Traces;
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
        // Empty: settings that other programs left in the environment or in the folder must not open an address or change a limit.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(options.Urls).ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = LargestBody);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning)
            // Whoever starts the host is told by an exception why it did not start.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services.AddHostedService<TraceReading>();
        builder.Services.AddRouting();
        builder.Services.AddLightning(options.Lightning).AddLocalEngine();
        builder.Services.AddHostedService<RetentionService>();
        builder.Services.ConfigureHttpJsonOptions(json => LightningJson.Apply(json.SerializerOptions));
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Explain);
        builder.Services.AddExceptionHandler<ProblemHandler>();
        builder.Services.AddOpenApi(openApi => openApi.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Agent Lightning";
            return Task.CompletedTask;
        }));

        var app = builder.Build();
        await app.Services.OpenLightningAsync(create: true, cancellationToken);
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.MapOpenApi();
        app.MapGet("/health", (TimeProvider time) => new HealthResponse("healthy", time.GetUtcNow())).WithSummary("Whether the process is alive.");
        var api = app.MapGroup("/api/lightning");
        api.MapTriage();
        api.MapEpisodes();
        api.MapCapture();
        api.MapRewards();
        api.MapDeployments();
        api.MapStats();
        api.MapMonitoring();
        app.MapFeedback();
        app.MapChatAdmin();
        api.MapDiagnostics();
        app.MapOtlp();
        return app;
    }

    /// <summary>What the framework refuses by itself says what it refused.</summary>
    private static void Explain(ProblemDetailsContext context)
    {
        var request = context.HttpContext.Request;
        context.ProblemDetails.Detail ??= context.ProblemDetails.Status switch
        {
            StatusCodes.Status404NotFound => $"There is no {request.Path}. The routes are in /openapi/v1.json.",
            StatusCodes.Status405MethodNotAllowed => $"{request.Path} does not take {request.Method}.",
            StatusCodes.Status415UnsupportedMediaType => "The body must be JSON, sent with 'content-type: application/json', or for a batch 'application/x-ndjson'.",
            _ => null,
        };
        // Messages quote what was sent; a secret in it must not come back, where a proxy or a log may keep it.
        if (context.ProblemDetails.Detail is { } detail)
        {
            context.ProblemDetails.Detail = context.HttpContext.RequestServices.GetRequiredService<Redactor>().Redact(detail);
        }
    }

    private static void CheckUrls(string urls)
    {
        var addresses = urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (addresses.Length == 0)
        {
            throw LightningException.Invalid($"--urls must hold at least one address such as {LightningServerOptions.DefaultUrl}, but it is '{urls}'.");
        }

        foreach (var url in addresses)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != "http" || uri.PathAndQuery != "/")
            {
                throw LightningException.Invalid($"--urls must be addresses such as {LightningServerOptions.DefaultUrl}, without https and path, but it holds '{url}'.");
            }

            // The web server takes any other name, 'loopback' too, for all addresses of the machine; Uri writes some of them as 'localhost'.
            var asWritten = url.Contains(uri.Host, StringComparison.OrdinalIgnoreCase);
            if (!asWritten || (uri.Host != "localhost" && !(IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address))))
            {
                throw LightningException.Invalid($"The server has no access control yet and listens only on loopback addresses, but --urls holds '{url}'. Use {LightningServerOptions.DefaultUrl}, and a reverse proxy with access control in front of it.");
            }
        }
    }
}

/// <summary>The answer of <c>/health</c>.</summary>
public sealed record HealthResponse(string Status, DateTimeOffset Timestamp);
