using AgentLightning.Storage;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Tests.Storage.Conformance;

/// <summary>One engine under test: opens an empty store, and can open the same one again.</summary>
public abstract class StoreEngine : IAsyncDisposable
{
    private readonly List<ServiceProvider> _opened = [];

    /// <summary>Another set of services on the same store, as a second process would have.</summary>
    public async Task<IServiceProvider> OpenAsync()
    {
        var services = Configure(new ServiceCollection().AddLogging()).BuildServiceProvider();
        _opened.Add(services);
        await services.OpenLightningAsync(create: true, TestContext.Current.CancellationToken);
        return services;
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var services in _opened)
        {
            await services.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Changes the stored content of an artifact behind the store's back.</summary>
    public abstract Task ChangeArtifactAsync(string id);

    /// <summary>Takes the content of an artifact away behind the store's back.</summary>
    public abstract Task LoseArtifactAsync(string id);

    /// <summary>Makes the store refuse the episode of this id, and no other.</summary>
    public abstract Task RefuseEpisodeAsync(string id);

    /// <summary>Changes rows behind the store's back, by a statement with the parameter <c>@id</c>.</summary>
    public Task DamageAsync(string sql, string id) => ExecuteAsync(sql, id);

    protected abstract IServiceCollection Configure(IServiceCollection services);

    private protected Task ExecuteAsync(string sql, string id) =>
        _opened[0]
            .GetRequiredService<SqlDatabase>()
            .WriteAsync(
                session => session.ExecuteAsync(sql, TestContext.Current.CancellationToken, ("@id", id)),
                TestContext.Current.CancellationToken
            );
}

/// <summary>SQLite in a file of its own.</summary>
public sealed class SqliteEngine : StoreEngine
{
    private readonly TemporaryFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    public override Task ChangeArtifactAsync(string id) => File.AppendAllTextAsync(PathOf(id), "!", TestContext.Current.CancellationToken);

    public override Task LoseArtifactAsync(string id)
    {
        File.Delete(PathOf(id));
        return Task.CompletedTask;
    }

    public override Task RefuseEpisodeAsync(string id) =>
        ExecuteAsync($"CREATE TRIGGER refused BEFORE INSERT ON episodes WHEN NEW.id = '{id}' BEGIN SELECT RAISE(ABORT, 'no'); END", id);

    protected override IServiceCollection Configure(IServiceCollection services) =>
        services.AddLightningServices(new LightningOptions { Store = _folder.File("lightning.db") });

    private string PathOf(string id) => Path.Combine(_folder.File("lightning.artifacts"), id["sha256:".Length..]);
}
