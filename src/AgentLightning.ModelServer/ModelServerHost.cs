using AgentLightning.Common;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AgentLightning.ModelServer;

/// <summary>
/// Serves one model for training over HTTP, in the shape of the Tinker API: clients make adapters on it, send losses, make updates, draw
/// samples and keep checkpoints.
/// </summary>
public static class ModelServerHost
{
    /// <summary>
    /// Makes the application with its model loaded; the caller starts and disposes it. Bad options are <see cref="ErrorKind.Invalid"/>, all
    /// of them in one message.
    /// </summary>
    public static WebApplication Build(ModelServerOptions options, CancellationToken cancellationToken) =>
        Build(options, TimeProvider.System, cancellationToken);

    internal static WebApplication Build(ModelServerOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (options.Mistakes().ToList() is { Count: > 0 } mistakes)
        {
            throw LightningException.Invalid(string.Join('\n', mistakes));
        }

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder
            .WebHost.UseKestrelCore()
            .UseUrls(options.Urls)
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
                kestrel.Limits.MaxConcurrentConnections = 1000;
                kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            });
        builder
            .Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services.AddRouting();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<TinkerErrors>();
        builder.Services.AddSingleton<TinkerGuard>();
        // Made by the container, so that it is disposed with it.
        builder.Services.AddSingleton(services => new ModelHost(
            options,
            clock,
            services.GetRequiredService<ILogger<ModelHost>>(),
            cancellationToken
        ));
        builder.Services.AddHostedService(services => services.GetRequiredService<ModelHost>());
        var app = builder.Build();
        try
        {
            var host = app.Services.GetRequiredService<ModelHost>();
            var (errors, guard) = (app.Services.GetRequiredService<TinkerErrors>(), app.Services.GetRequiredService<TinkerGuard>());
            app.Use((HttpContext context, RequestDelegate next) => errors.HandleAsync(context, next));
            app.Use((HttpContext context, RequestDelegate next) => guard.CheckAsync(context, next));
            app.UseRouting();
            app.MapTinker(host, clock);
        }
        catch
        {
            ((IDisposable)app).Dispose();
            throw;
        }

        return app;
    }
}
