using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>The server ends as a crash ends it, while episodes, rewards and spans come in.</summary>
public sealed class KilledServerTests
{
    [Fact]
    public async Task What_was_acknowledged_outlives_twenty_kills_once_on_sqlite()
    {
        using var folder = new TemporaryFolder();
        var store = folder.File("lightning.db");

        await KillAsync(folder.Path, store, 20, sql => SqliteFile.Rows(store, sql));
    }

    [Fact]
    public async Task What_was_acknowledged_outlives_five_kills_once_on_postgresql()
    {
        using var cluster = PostgresCluster.Start();
        using var folder = new TemporaryFolder();

        await KillAsync(folder.Path, cluster.NewDatabase(), 5, sql =>
            cluster.Execute("test_1", sql).Split('\n', StringSplitOptions.RemoveEmptyEntries)
        );
    }

    private static async Task KillAsync(string folder, string store, int rounds, Func<string, IEnumerable<string>> query)
    {
        var load = new MixedLoad();
        for (var round = 0; round < rounds; round++)
        {
            using var server = await ServingProcess.StartAsync(folder, store);
            load.AssertStored(query);
            var running = load.RunAsync(server.Http.BaseAddress!, CancellationToken.None);
            // At another moment of the work each time.
            var enough = load.Acknowledged + 40 + (round * 37 % 100);
            await load.WhenAsync(() => load.Acknowledged >= enough);
            server.Kill();
            await running;
        }

        using (await ServingProcess.StartAsync(folder, store))
        {
            load.AssertStored(query);
        }

        Assert.Empty(load.Wrong);
        var check = await Lightning.RunAsync(folder, "db", "check", "--store", store, "--json");
        Assert.True(check.ExitCode == 0, check.Out + check.Error);
    }
}
