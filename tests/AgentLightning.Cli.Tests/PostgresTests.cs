using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Every command that takes <c>--store</c>, on PostgreSQL.</summary>
public sealed class PostgresTests
{
    [Fact]
    public async Task Servers_that_start_at_once_on_an_empty_database_all_come_up_and_show_no_password()
    {
        using var cluster = PostgresCluster.Start();
        using var folder = new TemporaryFolder();
        var store = cluster.NewDatabase();

        var servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ServingProcess.StartAsync(folder.Path, store)));

        await servers[0].PostAsync("/api/lightning/triage", new { comment = "x", episode_id = "kept" });
        Assert.Equal("kept", (await servers[2].GetAsync("/api/lightning/episodes/kept")).GetProperty("id").GetString());
        foreach (var server in servers)
        {
            Assert.Contains($"PostgreSQL {cluster.Host}:5432/test_1", server.Greeting, StringComparison.Ordinal);
            Assert.DoesNotContain(cluster.Password, server.Greeting, StringComparison.Ordinal);
            Assert.Equal((0, ""), await server.TerminateAsync());
            server.Dispose();
        }
    }

    [Fact]
    public async Task Commands_that_need_a_store_work_on_a_database_that_holds_one()
    {
        using var cluster = PostgresCluster.Start();
        using var folder = new TemporaryFolder();
        string[] store = ["--store", cluster.NewDatabase()];
        Assert.Contains(
            "There is no store 'PostgreSQL",
            (await Lightning.RunAsync(folder.Path, ["lineage", .. store])).Failed(1),
            StringComparison.Ordinal
        );
        (await ServingProcess.StartAsync(folder.Path, store[1])).Dispose();

        var answer = (await Lightning.RunAsync(folder.Path, ["triage", "run", "The page is broken", .. store, "--json"])).Json();
        var lineage = (await Lightning.RunAsync(folder.Path, ["lineage", .. store, "--json"])).Json();
        var promote = await Lightning.RunAsync(folder.Path, ["promote", "--run-id", "nobody", .. store]);
        var rollback = await Lightning.RunAsync(folder.Path, ["rollback", .. store]);

        Assert.Equal(answer.GetProperty("episode_id").GetString(), cluster.Execute("test_1", "SELECT id FROM episodes"));
        Assert.Empty(lineage.GetProperty("lineage").EnumerateArray());
        Assert.Contains("nobody", promote.Failed(1), StringComparison.Ordinal);
        Assert.NotEqual("", rollback.Failed(1));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task The_password_may_come_from_the_environment()
    {
        using var cluster = PostgresCluster.Start();
        using var folder = new TemporaryFolder();
        var store = cluster.NewDatabase().Replace($";Password={cluster.Password}", "", StringComparison.Ordinal);

        using var server = await ServingProcess.StartAsync(folder.Path, store, ("PGPASSWORD", cluster.Password));

        await server.PostAsync("/api/lightning/triage", new { comment = "x", episode_id = "kept" });
        Assert.Equal("kept", cluster.Execute("test_1", "SELECT id FROM episodes"));
    }

    [Fact]
    public async Task A_wrong_password_is_a_mistake_in_the_command_line_that_is_not_repeated()
    {
        using var cluster = PostgresCluster.Start();
        using var folder = new TemporaryFolder();
        var store = cluster.NewDatabase().Replace(cluster.Password, "hunter2", StringComparison.Ordinal);

        var error = (await Lightning.RunAsync(folder.Path, "serve", "--store", store)).Failed(2);

        Assert.Contains("test_1", error, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error, StringComparison.Ordinal);
    }
}
