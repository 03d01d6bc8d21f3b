using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Governance;
using AgentLightning.Rewards;
using AgentLightning.Server.Access;
using AgentLightning.Server.Audit;
using AgentLightning.Server.Capture;
using AgentLightning.Server.Datasets;
using AgentLightning.Server.Deployments;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Evaluation;
using AgentLightning.Server.Experiments;
using AgentLightning.Server.Feedback;
using AgentLightning.Server.Gateway;
using AgentLightning.Server.Health;
using AgentLightning.Server.Jobs;
using AgentLightning.Server.Limits;
using AgentLightning.Server.Lookup;
using AgentLightning.Server.Metrics;
using AgentLightning.Server.Monitoring;
using AgentLightning.Server.Pages;
using AgentLightning.Server.Rewards;
using AgentLightning.Server.Traces;
using AgentLightning.Server.Training;
using AgentLightning.Server.Triage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Server;

/// <summary>Builds the web application: the product's services behind REST endpoints under <c>/api/lightning</c>.</summary>
public static class LightningServer
{
    /// <summary>
    /// Makes the application with its store open; the caller starts and disposes it. Disposal writes every captured episode.
    /// Bad options are <see cref="ErrorKind.Invalid"/>, all of them in one message; then nothing is opened or made.
    /// </summary>
    public static Task<WebApplication> BuildAsync(LightningServerOptions options, CancellationToken cancellationToken) =>
        BuildAsync(options, _ => { }, cancellationToken);

    /// <summary>The same with services of the caller's, a clock for example, in place of ours.</summary>
    internal static async Task<WebApplication> BuildAsync(
        LightningServerOptions options,
        Action<IServiceCollection> configure,
        CancellationToken cancellationToken
    )
    {
        if (options.Mistakes() is { Count: > 0 } mistakes)
        {
            throw LightningException.Invalid(string.Join('\n', mistakes));
        }

        // Empty: settings that other programs left in the environment or in the folder must not open an address or change a limit.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(options.AllUrls).ConfigureKestrel(kestrel => Limit(kestrel, options));
        builder
            .Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .SetMinimumLevel(LogLevel.Warning)
            // Whoever starts the host is told by an exception why it did not start.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        configure(builder.Services);
        builder.Services.AddRouting();
        builder.Services.AddLightningServices(options.Lightning).AddEngine();
        AddServer(builder.Services, options);
        builder.Services.AddHostedService<EpisodeAssemblyService>();
        builder.Services.AddHostedService<JobService>();
        builder.Services.AddHostedService<TrainingService>();
        builder.Services.ConfigureHttpJsonOptions(json => LightningJson.Apply(json.SerializerOptions));
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Explain);
        builder.Services.AddExceptionHandler<ProblemHandler>();
        builder.Services.AddOpenApi(openApi =>
        {
            openApi.AddDocumentTransformer(
                (document, _, _) =>
                {
                    document.Info.Title = "Agent Lightning";
                    return Task.CompletedTask;
                }
            );
            openApi.AddKeys();
        });

        var app = builder.Build();
        try
        {
            await OpenAsync(app.Services, options, cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        UsePipeline(app);
        app.MapOpenApi().OpenToAll();
        app.MapPages();
        app.MapHealth();
        app.MapMetrics();
        var api = app.MapGroup("/api/lightning");
        api.MapTriage();
        api.MapEpisodes();
        api.MapCapture();
        api.MapRewards();
        api.MapDatasets();
        api.MapTraining();
        api.MapEvaluations();
        api.MapDeployments();
        api.MapSelection();
        api.MapExperiments();
        api.MapStats();
        api.MapMonitoring();
        app.MapFeedback();
        app.MapChatAdmin();
        api.MapDiagnostics();
        api.MapAudit();
        api.MapLookup();
        api.MapKeys();
        app.MapOtlp();
        app.MapGateway();
        if (options.OtlpGrpcUrls.Length > 0)
        {
            app.MapOtlpGrpc();
        }

        return app;
    }

    private static void AddServer(IServiceCollection services, LightningServerOptions options)
    {
        services.AddSingleton(options);
        services.AddScoped<Caller>();
        services.AddScoped(provider => provider.GetRequiredService<Caller>().Scope);
        services.AddSingleton<RefusalLog>();
        services.AddSingleton<AccessMiddleware>();
        services.AddHostedService(provider => provider.GetRequiredService<RefusalLog>());
        services.AddSingleton<RateLimits>();
        if (options.OtlpGrpcUrls.Length > 0)
        {
            services.AddOtlpGrpc(options);
        }

        services.AddSingleton<ConnectionLimits>();
        services.AddGateway(options.Gateway);
        services.AddMetricsExport(options);
        services.AddSingleton<ServerMetrics>();
        services.AddSingleton<NearRoutes>();
        services.AddSingleton<IRewardObserver>(provider => provider.GetRequiredService<ServerMetrics>());
        services.AddSingleton<Draining>();
        services.AddHostedService(provider => provider.GetRequiredService<Draining>());
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainNotice + options.Drain);
    }

    private static void Limit(KestrelServerOptions kestrel, LightningServerOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
        // What a connection may send ahead of being read, and so of being charged.
        kestrel.Limits.MaxRequestBufferSize = 128 * 1024;
        kestrel.Limits.RequestHeadersTimeout = options.HeaderTimeout;
        kestrel.Limits.KeepAliveTimeout = options.KeepAlive;
        var connections = kestrel.ApplicationServices.GetRequiredService<ConnectionLimits>();
        var grpcPorts = ListenAddresses.Ports(options.OtlpGrpcUrls);
        kestrel.ConfigureEndpointDefaults(listen =>
        {
            if (listen.IPEndPoint is { } address && grpcPorts.Contains(address.Port))
            {
                // Without TLS a connection cannot tell which of the two it speaks.
                listen.Protocols = HttpProtocols.Http2;
            }

            listen.Use(next => connection => connections.HoldAsync(connection, next));
        });
    }

    /// <summary>
    /// Opens the store. One without keys is not shown to others than this machine unless that was asked for; then nothing is made either.
    /// </summary>
    private static async Task OpenAsync(IServiceProvider services, LightningServerOptions options, CancellationToken cancellationToken)
    {
        if (options.AllowAnonymous || ListenAddresses.AreLoopback(options.AllUrls))
        {
            await services.OpenLightningAsync(create: true, cancellationToken);
            return;
        }

        try
        {
            await services.OpenLightningAsync(create: false, cancellationToken);
        }
        catch (LightningException e) when (e.Kind == ErrorKind.NotFound)
        {
            throw ListenAddresses.Refusal(options.AllUrls);
        }

        if (!await services.GetRequiredService<IApiKeyStore>().AnyAsync(cancellationToken))
        {
            throw ListenAddresses.Refusal(options.AllUrls);
        }
    }

    private static void UsePipeline(WebApplication app)
    {
        var access = app.Services.GetRequiredService<AccessMiddleware>();
        var metrics = app.Services.GetRequiredService<ServerMetrics>();
        app.Use(ConnectionLimits.WorkAsync);
        app.UseRouting();
        app.Use((HttpContext context, RequestDelegate next) => metrics.MeasureAsync(context, next));
        app.Use(OpenAiErrors.MarkAsync);
        app.UseExceptionHandler();
        app.UseStatusCodePages(status => Problems.WriteAsync(status.HttpContext, status.HttpContext.Response.StatusCode, null));
        app.Use(
            (HttpContext context, RequestDelegate next) =>
                access.IdentifyAsync(context, context.RequestServices.GetRequiredService<Caller>(), next)
        );
        var rates = app.Services.GetRequiredService<RateLimits>();
        app.Use((HttpContext context, RequestDelegate next) => rates.LimitAsync(context, next));
        app.Use(
            (HttpContext context, RequestDelegate next) =>
                access.EnforceAsync(context, context.RequestServices.GetRequiredService<Caller>(), next)
        );
        app.Use(BodyBudget.ChargeAsync);
    }

    private static string Near(HttpContext context) =>
        context.RequestServices.GetRequiredService<NearRoutes>().Of(context.Request.Path.Value ?? "") is { Count: > 0 } near
            ? $" Did you mean {string.Join(" or ", near)}?"
            : "";

    /// <summary>What the framework refuses by itself says what it refused.</summary>
    private static void Explain(ProblemDetailsContext context)
    {
        var request = context.HttpContext.Request;
        context.ProblemDetails.Detail ??= context.ProblemDetails.Status switch
        {
            StatusCodes.Status404NotFound => $"There is no {request.Path}.{Near(context.HttpContext)} The routes are at /docs/.",
            StatusCodes.Status405MethodNotAllowed => $"{request.Path} does not take {request.Method}.",
            StatusCodes.Status415UnsupportedMediaType =>
                "The body must be JSON, sent with 'content-type: application/json', or for a batch 'application/x-ndjson'.",
            StatusCodes.Status413PayloadTooLarge => $"The body is over the limit of "
                + $"{context.HttpContext.RequestServices.GetRequiredService<LightningServerOptions>().MaxBodyBytes} bytes. Send it in "
                + $"smaller parts, or raise limits.max_body_bytes of the server.",
            _ => null,
        };
        // Messages quote what was sent; a secret in it must not come back, where a proxy or a log may keep it.
        if (context.ProblemDetails.Detail is { } detail)
        {
            context.ProblemDetails.Detail = context.HttpContext.RequestServices.GetRequiredService<Redactor>().Redact(detail);
        }
    }
}
