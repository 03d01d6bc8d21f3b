using AgentLightning.Testing;
using AgentLightning.Tests.Storage.Conformance;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace AgentLightning.Tests.Storage.Conformance;

/// <summary>The one PostgreSQL server of a test run, started by the first test that needs it.</summary>
public sealed class PostgresServer : IDisposable
{
    private static readonly Lazy<PostgresCluster> s_cluster = new(PostgresCluster.Start);

    public static PostgresCluster Cluster => s_cluster.Value;

    public void Dispose()
    {
        if (s_cluster.IsValueCreated)
        {
            s_cluster.Value.Dispose();
        }
    }
}

/// <summary>PostgreSQL in a database of its own.</summary>
public sealed class PostgresEngine : StoreEngine
{
    private readonly Lazy<string> _store = new(PostgresServer.Cluster.NewDatabase);

    public string Store => _store.Value;

    public override Task ChangeArtifactAsync(string id) =>
        ExecuteAsync("UPDATE artifacts SET content = content || '!'::bytea WHERE id = @id", id);

    public override Task LoseArtifactAsync(string id) => ExecuteAsync("DELETE FROM artifacts WHERE id = @id", id);

    public override Task RefuseEpisodeAsync(string id) =>
        ExecuteAsync($"ALTER TABLE episodes ADD CONSTRAINT refused CHECK (id <> '{id}')", id);

    protected override IServiceCollection Configure(IServiceCollection services) =>
        services.AddLightningServices(new LightningOptions { Store = Store });
}
