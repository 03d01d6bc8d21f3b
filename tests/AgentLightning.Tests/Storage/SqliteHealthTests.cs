using System.Diagnostics;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Storage;
using AgentLightning.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Tests.Storage;

/// <summary>What becomes of a store whose file or disk is no longer what it was: nothing is acknowledged that would be lost.</summary>
public sealed class SqliteHealthTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 4, 12, 0, 0, TimeSpan.Zero));
    private string? _mounted;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Path => _folder.File("lightning.db");

    [Theory]
    [InlineData("lightning.db")]
    [InlineData("lightning.db-wal")]
    public async Task A_write_into_a_file_that_was_removed_is_not_acknowledged(string removed)
    {
        await using var services = await OpenAsync(Path);
        await AddAsync(services, "before");

        File.Delete(_folder.File(removed));

        var error = await Assert.ThrowsAsync<LightningException>(() => AddAsync(services, "after"));
        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains(Path, error.Message, StringComparison.Ordinal);
        if (removed == "lightning.db")
        {
            Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAsync<LightningException>(() => AddAsync(services, "again"))).Kind);
            Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAsync<LightningException>(() => ProbeAsync(services))).Kind);
            Assert.False(File.Exists(Path));
        }
    }

    [Fact]
    public async Task When_the_file_is_put_back_the_store_goes_on()
    {
        await using var services = await OpenAsync(Path);
        await AddAsync(services, "e1");
        foreach (var file in Directory.GetFiles(_folder.Path, "lightning.db*"))
        {
            File.Copy(file, file.Replace("lightning.db", "kept.db", StringComparison.Ordinal));
            File.Delete(file);
        }

        await Assert.ThrowsAsync<LightningException>(() => AddAsync(services, "lost"));
        foreach (var file in Directory.GetFiles(_folder.Path, "kept.db*"))
        {
            File.Move(file, file.Replace("kept.db", "lightning.db", StringComparison.Ordinal));
        }

        await AddAsync(services, "e2");
        Assert.Equal(2, await services.GetRequiredService<IEpisodeStore>().CountAsync(null, Token));
        await ProbeAsync(services);
    }

    [Fact]
    public async Task A_store_whose_pages_were_overwritten_takes_no_more_writes_once_a_read_has_met_them()
    {
        await using (var services = await OpenAsync(Path))
        {
            await FillAsync(services, 4_000);
        }

        Overwrite();
        await using var after = await OpenAsync(Path, migrate: false);

        var read = await Assert.ThrowsAsync<LightningException>(async () =>
            await after.GetRequiredService<IEpisodeStore>().ReadAsync(new EpisodeQuery(Limit: 1_000), Token).ToListAsync(Token)
        );

        Assert.Equal(ErrorKind.Corrupt, read.Kind);
        Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAsync<LightningException>(() => AddAsync(after, "late"))).Kind);
        Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAsync<LightningException>(() => ProbeAsync(after))).Kind);
    }

    [Fact]
    public async Task A_probe_finds_overwritten_pages_of_a_store_of_moderate_size_by_itself()
    {
        await using (var services = await OpenAsync(Path))
        {
            await FillAsync(services, 4_000);
        }

        Overwrite();
        await using var after = await OpenAsync(Path, migrate: false);

        Assert.Equal(ErrorKind.Corrupt, (await Assert.ThrowsAsync<LightningException>(() => ProbeAsync(after))).Kind);
        Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAsync<LightningException>(() => AddAsync(after, "late"))).Kind);
    }

    [Fact]
    public async Task On_a_full_disk_the_probe_fails_and_records_can_still_be_deleted()
    {
        Assert.SkipUnless(TryMount("128m"), "needs to mount a small file system, which only root may.");
        await using var services = await OpenAsync(System.IO.Path.Combine(_mounted!, "lightning.db"));
        await FillAsync(services, 2_000);
        await ProbeAsync(services);
        Assert.True(File.Exists(System.IO.Path.Combine(_mounted!, "lightning.db-reserve")));
        FillDisk();

        var refused = await Assert.ThrowsAsync<LightningException>(() => FillAsync(services, 10_000, from: 2_000));
        Assert.Equal(ErrorKind.Unavailable, refused.Kind);
        Assert.Contains("full", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LightningException>(() => ProbeAsync(services));

        var removed = await services
            .GetRequiredService<DeleteEpisodes>()
            .ExecuteAsync(Scope.Owner("test"), new EpisodeSelection(AgentId: "agent"), RemovalScope.Episode, null, Token);

        Assert.True(removed >= 2_000);
        Assert.Equal(0, await services.GetRequiredService<IEpisodeStore>().CountAsync(null, Token));
        await ProbeAsync(services);
    }

    [Fact]
    public async Task While_another_process_holds_the_lock_writes_are_refused_and_afterwards_they_are_stored()
    {
        await using var services = await OpenAsync(Path);
        await AddAsync(services, "e1");
        await using var other = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path, Pooling = false }.ToString());
        await other.OpenAsync(Token);
        Execute(other, "BEGIN IMMEDIATE");
        var waiting = Enumerable.Range(0, 300).Select(i => AddAsync(services, $"w{i}")).ToList();
        // The clock stands still until it is moved. How long each write waits, SqliteLockWaitTests say.
        while (waiting.Exists(write => !write.IsCompleted))
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        foreach (var write in waiting)
        {
            Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAsync<LightningException>(() => write)).Kind);
        }

        Execute(other, "ROLLBACK");
        await AddAsync(services, "e2");
        Assert.Equal(2, await services.GetRequiredService<IEpisodeStore>().CountAsync(null, Token));
    }

    [Fact]
    public async Task A_sweep_finds_the_traces_that_still_have_something_by_an_index_of_those()
    {
        await using var services = await OpenAsync(Path);

        var plan = await services
            .GetRequiredService<SqlDatabase>()
            .LookAsync(
                session =>
                    session.QueryAsync(
                        "EXPLAIN QUERY PLAN SELECT trace_id FROM traces WHERE first_at < @moment AND payload_removed <> 1 "
                            + "ORDER BY first_at, trace_id LIMIT 100",
                        reader => reader.Text("detail"),
                        Token,
                        ("@moment", 1L)
                    ),
                Token
            );

        Assert.Contains("traces_with_payload", Assert.Single(plan), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        if (_mounted is not null)
        {
            Run("umount", "-l", _mounted);
        }

        _folder.Dispose();
    }

    private static Task ProbeAsync(ServiceProvider services) => services.GetRequiredService<StoreCheck>().ProbeAsync(Token);

    private static Task AddAsync(ServiceProvider services, string id) =>
        services.GetRequiredService<IEpisodeStore>().AddAsync([NewEpisode(id)], Token);

    private static async Task FillAsync(ServiceProvider services, int count, int from = 0)
    {
        foreach (var ids in Enumerable.Range(from, count).Chunk(500))
        {
            await services.GetRequiredService<IEpisodeStore>().AddAsync([.. ids.Select(i => NewEpisode($"e{i:00000}"))], Token);
        }
    }

    private static Episode NewEpisode(string id) =>
        new()
        {
            Id = id,
            AgentId = "agent",
            UserInput = new string('q', 1_000),
            AssistantOutput = "a",
            InputKey = id,
            RequestLatencyMs = 1,
            CreatedAt = DateTimeOffset.UnixEpoch,
        };

    /// <summary>Destroys the second half of the file, and leaves its head.</summary>
    private void Overwrite()
    {
        using var file = new FileStream(Path, FileMode.Open, FileAccess.Write);
        var garbage = new byte[(file.Length / 2) - (file.Length / 2 % 8_192)];
        Array.Fill(garbage, (byte)0xA5);
        file.Position = file.Length - garbage.Length;
        file.Write(garbage);
    }

    private void FillDisk()
    {
        using var filler = new FileStream(
            System.IO.Path.Combine(_mounted!, "filler"),
            FileMode.Create,
            FileAccess.Write,
            FileShare.None,
            1
        );
        var block = new byte[4_096];
        try
        {
            while (true)
            {
                filler.Write(block);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private bool TryMount(string size)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return false;
        }

        var place = Directory.CreateDirectory(_folder.File("small")).FullName;
        if (!Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", place))
        {
            return false;
        }

        _mounted = place;
        return true;
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private async Task<ServiceProvider> OpenAsync(string path, bool migrate = true)
    {
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<TimeProvider>(_clock)
            .AddLightningServices(new LightningOptions { Store = path, LockWait = TimeSpan.FromSeconds(3) })
            .BuildServiceProvider();
        await services.OpenLightningAsync(create: true, migrate, Token);
        return services;
    }
}
