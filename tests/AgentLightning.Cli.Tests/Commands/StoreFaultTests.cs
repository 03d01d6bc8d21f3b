using System.Diagnostics;
using System.Net;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Client;
using AgentLightning.Testing;
using Microsoft.Data.Sqlite;

namespace AgentLightning.Cli.Tests;

/// <summary>
/// The store goes away under a server that goes on: callers are told to come again, what was acknowledged stays, and nobody restarts
/// anything.
/// </summary>
[Collection(nameof(ClientUnderTest))]
public sealed class StoreFaultTests
{
    /// <summary>Above what the queues may hold, and far below what would be held without them.</summary>
    private const double MostMegabytes = 400;

    [Fact]
    public async Task A_database_that_is_killed_and_restarted_under_load_loses_and_doubles_nothing()
    {
        using var cluster = PostgresCluster.Start();
        using var folder = new TemporaryFolder();
        var store = cluster.NewDatabase();
        using var server = await ServingProcess.StartAsync(folder.Path, store);
        await using var client = Client(server, folder.File("client"));
        using var end = new CancellationTokenSource();
        var load = new MixedLoad();
        var running = load.RunAsync(server.Http.BaseAddress!, end.Token);
        await load.WhenAsync(() => load.Acknowledged >= 50);

        cluster.Kill();
        var memory = 0.0;
        for (var times = 10; times <= 200; times += 10)
        {
            await load.WhenAsync(() => load.IsRefused(times));
            memory = Math.Max(memory, server.ResidentMegabytes);
            for (var i = 0; i < 5; i++)
            {
                Assert.NotNull(client.Tracker.TrackInteraction($"spooled {times} {i}", "out", 1));
            }

            await client.Lightning.FlushAsync();
        }

        var spooled = client.Lightning.Statistics;
        var (alive, ready) = (await server.Http.GetAsync("/health"), await server.Http.GetAsync("/health/ready"));
        cluster.StartServer();
        var before = load.Acknowledged;
        await load.WhenAsync(() => load.Acknowledged >= before + 50);
        await client.SentAsync(200);
        await end.CancelAsync();
        await running;

        Assert.Equal((200, 0), (spooled.Spooled, spooled.Sent));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable), (alive.StatusCode, ready.StatusCode));
        Assert.Empty(load.Wrong);
        Assert.InRange(memory, 1, MostMegabytes);
        load.AssertStored(sql => Lines(cluster.Execute("test_1", sql)), "app");
        Assert.Equal(
            "100|100",
            cluster.Execute(
                "test_1",
                "SELECT COUNT(*), COUNT(DISTINCT p.user_input) FROM episodes e JOIN episode_payloads p ON p.episode_id = e.id WHERE "
                    + "e.agent_id = 'app'"
            )
        );
        Assert.Equal("100", cluster.Execute("test_1", "SELECT COUNT(*) FROM rewards WHERE agent_id = 'app' AND value = 1"));
        Assert.Equal(0, client.Lightning.Statistics.Dropped);
        await AssertSoundAsync(folder.Path, store);
    }

    [Fact]
    public async Task While_the_disk_is_full_writes_are_refused_and_reads_are_answered()
    {
        using var disk = SmallDisk.Mount(24);
        using var folder = new TemporaryFolder();
        var store = Path.Combine(disk.Path, "lightning.db");
        using var server = await ServingProcess.StartAsync(folder.Path, store);
        using var end = new CancellationTokenSource();
        var load = new MixedLoad();
        var running = load.RunAsync(server.Http.BaseAddress!, end.Token);
        await load.WhenAsync(() => load.Acknowledged >= 50);

        disk.Fill();
        await load.WhenAsync(() => load.IsRefused(5));
        var listed = await server.GetAsync("/api/lightning/episodes?agent_id=loaded&limit=10");
        disk.Free();
        var before = load.Acknowledged;
        await load.WhenAsync(() => load.Acknowledged >= before + 50);
        await end.CancelAsync();
        await running;

        Assert.Equal(10, listed.GetProperty("episodes").GetArrayLength());
        Assert.All(load.Reasons, reason => Assert.Contains("disk", reason.Value, StringComparison.Ordinal));
        Assert.Empty(load.Wrong);
        load.AssertStored(sql => SqliteFile.Rows(store, sql));
        await AssertSoundAsync(folder.Path, store);
    }

    [Fact]
    public async Task While_another_process_holds_the_file_writes_are_refused_and_afterwards_all_is_well()
    {
        using var folder = new TemporaryFolder();
        var store = folder.File("lightning.db");
        using var server = await ServingProcess.StartAsync(folder.Path, store, ("LIGHTNING_LIMITS__LOCK_WAIT_SECONDS", "1"));
        using var end = new CancellationTokenSource();
        var load = new MixedLoad();
        var running = load.RunAsync(server.Http.BaseAddress!, end.Token);
        await load.WhenAsync(() => load.Acknowledged >= 50);

        var waited = Stopwatch.StartNew();
        using (var other = SqliteFile.Open(store, SqliteOpenMode.ReadWrite))
        using (other.BeginTransaction(deferred: false))
        {
            await load.WhenAsync(() => load.IsRefused(1));
            waited.Stop();
            Assert.Equal(
                10,
                (await server.GetAsync("/api/lightning/episodes?agent_id=loaded&limit=10")).GetProperty("episodes").GetArrayLength()
            );
        }

        var before = load.Acknowledged;
        await load.WhenAsync(() => load.Acknowledged >= before + 50);
        await end.CancelAsync();
        await running;

        Assert.True(waited.Elapsed >= TimeSpan.FromSeconds(1), $"refused after {waited.Elapsed}");
        Assert.All(load.Reasons, reason =>
            Assert.Contains("locked by another process for 1 second", reason.Value, StringComparison.Ordinal)
        );
        Assert.Empty(load.Wrong);
        load.AssertStored(sql => SqliteFile.Rows(store, sql));
        await AssertSoundAsync(folder.Path, store);
    }

    [Fact]
    public async Task A_client_whose_own_disk_is_full_counts_what_it_loses_and_delivers_the_rest_once()
    {
        using var disk = SmallDisk.Mount(1);
        using var folder = new TemporaryFolder();
        Uri address;
        using (var server = await ServingProcess.StartAsync(folder.Path, "lightning.db"))
        {
            address = server.Http.BaseAddress!;
        }

        await using var client = new ClientUnderTest(address, disk.Path);
        for (var i = 0; client.Lightning.Statistics.Dropped < 5; i++)
        {
            Assert.NotNull(
                client.Tracker.TrackInteraction(
                    $"{i} {Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(20_000))}",
                    "out"
                )
            );
            await client.Lightning.FlushAsync();
        }

        disk.Free();
        var before = client.Lightning.Statistics;
        using var back = await ServingProcess.StartAtAsync(address, folder.Path, "lightning.db");
        await client.SentAsync(before.Captured - before.Dropped);
        Assert.NotNull(client.Tracker.TrackInteraction("after", "out"));
        await client.SentAsync(before.Captured - before.Dropped + 1);

        Assert.InRange(before.Spooled, 10, 50);
        Assert.Equal(before.Dropped, before.DroppedBy["spool_full"]);
        Assert.Equal((0, before.Dropped), (client.Lightning.Statistics.SpoolDamaged, client.Lightning.Statistics.Dropped));
        Assert.Equal(
            [$"{before.Spooled + 1}"],
            SqliteFile.Rows(folder.File("lightning.db"), "SELECT CAST(COUNT(DISTINCT user_input) AS TEXT) FROM episode_payloads")
        );
        Assert.Equal(
            [$"{before.Spooled + 1}"],
            SqliteFile.Rows(folder.File("lightning.db"), "SELECT CAST(COUNT(*) AS TEXT) FROM episodes")
        );
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static ClientUnderTest Client(ServingProcess server, string folder) => new(server.Http.BaseAddress!, folder);

    private static async Task AssertSoundAsync(string folder, string store)
    {
        var check = await Lightning.RunAsync(folder, "db", "check", "--store", store, "--json");
        Assert.True(check.ExitCode == 0, check.Out + check.Error);
    }
}
