using AgentLightning.Local;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Cli.Commands;

/// <summary>The product's services over one store, for the length of a command.</summary>
internal sealed class Workspace : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private Workspace(ServiceProvider services) => _services = services;

    /// <summary>Opens a store; with <paramref name="create"/> false it must exist.</summary>
    public static async Task<Workspace> OpenAsync(LightningOptions options, bool create, CancellationToken cancellationToken)
    {
        var services = new ServiceCollection()
            .AddLogging(logging => logging.AddFilter(level => level >= LogLevel.Error).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace))
            .AddLightning(options).AddLocalEngine().BuildServiceProvider();
        var workspace = new Workspace(services);
        try
        {
            await services.OpenLightningAsync(create, cancellationToken);
            return workspace;
        }
        catch
        {
            await workspace.DisposeAsync();
            throw;
        }
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
