using AgentLightning.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Cli.Commands;

/// <summary>The product's services over one store, for the length of a command.</summary>
internal sealed class Workspace : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private Workspace(ServiceProvider services) => _services = services;

    /// <summary>Opens a store, brought up to date; with <paramref name="create"/> false it must exist.</summary>
    public static Task<Workspace> OpenAsync(LightningOptions options, bool create, CancellationToken cancellationToken) =>
        OpenAsync(options, create, migrate: true, cancellationToken);

    /// <param name="migrate">False leaves the schema as it is.</param>
    public static async Task<Workspace> OpenAsync(LightningOptions options, bool create, bool migrate, CancellationToken cancellationToken)
    {
        var workspace = Closed(options);
        try
        {
            await workspace._services.OpenLightningAsync(create, migrate, cancellationToken);
            return workspace;
        }
        catch
        {
            await workspace.DisposeAsync();
            throw;
        }
    }

    /// <summary>The services on a store that nobody has looked for yet.</summary>
    public static Workspace Closed(LightningOptions options) =>
        new(
            new ServiceCollection()
                .AddLogging(logging =>
                    logging
                        .AddFilter(level => level >= LogLevel.Error)
                        .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
                )
                .AddLightningServices(options)
                .AddLocalEngine()
                .BuildServiceProvider()
        );

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
