using AgentLightning.Engine;
using AgentLightning.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Cli.Commands;

/// <summary>The product's services over one store, for the length of a command.</summary>
internal sealed class Workspace : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private Workspace(ServiceProvider services) => _services = services;

    /// <summary>
    /// Opens a store that exists and has the schema of this program. Commands change no schema: what lacks steps is an error that says
    /// which command brings them.
    /// </summary>
    public static async Task<Workspace> OpenAsync(LightningOptions options, CancellationToken cancellationToken)
    {
        var workspace = await OpenUncheckedAsync(options, cancellationToken);
        try
        {
            await workspace.Get<StoreCheck>().CheckUsableAsync(cancellationToken);
            return workspace;
        }
        catch
        {
            await workspace.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a store that exists, whatever its schema is.</summary>
    public static Task<Workspace> OpenUncheckedAsync(LightningOptions options, CancellationToken cancellationToken) =>
        OpenAsync(options, create: false, migrate: false, cancellationToken);

    /// <summary>Makes a store, or brings one that exists up to date.</summary>
    public static Task<Workspace> MigrateAsync(LightningOptions options, CancellationToken cancellationToken) =>
        OpenAsync(options, create: true, migrate: true, cancellationToken);

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
                .AddEngine()
                .BuildServiceProvider()
        );

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static async Task<Workspace> OpenAsync(LightningOptions options, bool create, bool migrate, CancellationToken cancellationToken)
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
}
