using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Storage;
using AgentLightning.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Tests.Storage;

/// <summary>What is particular to a store that is a file.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_store_writes_ahead_and_synchronises_fully()
    {
        await using var services = Services("lightning.db");
        await services.OpenLightningAsync(create: true, Token);

        var modes = await services
            .GetRequiredService<SqlDatabase>()
            .WriteAsync(
                async session =>
                {
                    var journal = await session.QueryAsync("PRAGMA journal_mode", reader => reader.GetString(0), Token);
                    var synchronous = await session.QueryAsync("PRAGMA synchronous", reader => reader.GetInt64(0), Token);
                    return (journal[0], synchronous[0]);
                },
                Token
            );

        Assert.Equal(("wal", 2L), modes);
    }

    [Fact]
    public async Task Beside_one_who_writes_without_pause_everyone_comes_to_his_turn()
    {
        await using var busy = Services("lightning.db", TimeSpan.FromSeconds(5));
        await using var other = Services("lightning.db", TimeSpan.FromSeconds(5));
        await busy.OpenLightningAsync(create: true, Token);
        await other.OpenLightningAsync(create: false, Token);
        using var over = new CancellationTokenSource();
        var written = 0;
        var writing = Task.Run(
            async () =>
            {
                for (; !over.IsCancellationRequested; written++)
                {
                    await busy.GetRequiredService<IEpisodeStore>().AddAsync([NewEpisode($"a{written}")], Token);
                }
            },
            Token
        );

        for (var i = 0; i < 200; i++)
        {
            await other.GetRequiredService<IEpisodeStore>().AddAsync([NewEpisode($"b{i}")], Token);
        }

        await over.CancelAsync();
        await writing;
        Assert.Equal(200 + written, await other.GetRequiredService<IEpisodeStore>().CountAsync(null, Token));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_reported_and_left_alone()
    {
        var path = _folder.File("notes.db");
        await File.WriteAllTextAsync(path, new string('x', 5_000), Token);
        await using var services = Services("notes.db");

        var error = await Assert.ThrowsAsync<LightningException>(() => services.OpenLightningAsync(create: true, Token));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Equal(new string('x', 5_000), await File.ReadAllTextAsync(path, Token));
    }

    [Fact]
    public async Task A_store_that_does_not_exist_is_not_made_when_it_should_be_there()
    {
        await using var services = Services("missing.db");

        var error = await Assert.ThrowsAsync<LightningException>(() => services.OpenLightningAsync(create: false, Token));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.False(File.Exists(_folder.File("missing.db")));
    }

    [Fact]
    public async Task A_folder_that_does_not_exist_is_named()
    {
        await using var services = Services("no/such/folder/lightning.db");

        var error = await Assert.ThrowsAsync<LightningException>(() => services.OpenLightningAsync(create: true, Token));

        Assert.Contains("no/such/folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_of_a_newer_program_is_refused_and_stays_as_it_is()
    {
        await using (var services = Services("lightning.db"))
        {
            await services.OpenLightningAsync(create: true, Token);
            await services
                .GetRequiredService<SqlDatabase>()
                .WriteAsync(
                    session =>
                        session.ExecuteAsync("INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'later', 0)", Token),
                    Token
                );
        }

        await using var again = Services("lightning.db");
        var error = await Assert.ThrowsAsync<LightningException>(() => again.OpenLightningAsync(create: true, Token));

        Assert.Contains("9999", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_open_is_not_deleted_and_a_closed_one_is_with_its_artifacts()
    {
        var options = new LightningOptions { Store = _folder.File("lightning.db") };
        await using (var services = Services("lightning.db"))
        {
            await services.OpenLightningAsync(create: true, Token);
            await services.GetRequiredService<IArtifactStore>().PutAsync(stream => stream.WriteAsync(new byte[] { 1 }).AsTask(), Token);

            var error = Assert.Throws<LightningException>(() => StoreFiles.Delete(options));

            Assert.Equal(ErrorKind.Conflict, error.Kind);
            Assert.Equal(0, await services.GetRequiredService<IEpisodeStore>().CountAsync(null, Token));
        }

        StoreFiles.Delete(options);
        StoreFiles.Delete(options);

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Many_readers_and_writers_that_begin_at_once_on_a_new_store_all_succeed()
    {
        for (var round = 0; round < 20; round++)
        {
            await using var services = Services($"round{round}.db");
            await services.OpenLightningAsync(create: true, Token);
            var episodes = services.GetRequiredService<IEpisodeStore>();

            await Task.WhenAll(
                Enumerable
                    .Range(0, 48)
                    .Select(i =>
                        Task.Run(async () =>
                        {
                            await episodes.CountAsync(null, Token);
                            if (i % 4 == 0)
                            {
                                await episodes.AddAsync(
                                    [
                                        new Episode
                                        {
                                            Id = $"e{i}",
                                            AgentId = "a",
                                            UserInput = "i",
                                            AssistantOutput = "o",
                                            CreatedAt = DateTimeOffset.UtcNow,
                                            RequestLatencyMs = 1,
                                        },
                                    ],
                                    Token
                                );
                            }

                            await episodes.ListAsync(new EpisodeQuery(), Token);
                        })
                    )
            );

            Assert.Equal(12, await episodes.CountAsync("a", Token));
        }
    }

    [Fact]
    public async Task Of_many_rollbacks_at_once_one_goes_back_and_the_others_are_told_that_it_did()
    {
        for (var round = 0; round < 20; round++)
        {
            await using var services = Services($"round{round}.db");
            await services.OpenLightningAsync(create: true, Token);
            var (promote, rollback) = (services.GetRequiredService<PromoteBase>(), services.GetRequiredService<Rollback>());
            await promote.ExecuteAsync(Product.Owner, new PromoteBaseRequest("a", "first"), Token);
            var active = await promote.ExecuteAsync(Product.Owner, new PromoteBaseRequest("a", "second"), Token);

            var kinds = await Task.WhenAll(
                Enumerable
                    .Range(0, 16)
                    .Select(_ =>
                        Task.Run(async () =>
                        {
                            try
                            {
                                await rollback.ExecuteAsync(
                                    Product.Owner,
                                    new RollbackRequest("a", Reason: "bad", ExpectedActiveId: active.Id),
                                    Token
                                );
                                return null;
                            }
                            catch (LightningException e)
                            {
                                return (ErrorKind?)e.Kind;
                            }
                        })
                    )
            );

            Assert.Single(kinds, kind => kind is null);
            Assert.Equal(15, kinds.Count(kind => kind == ErrorKind.Conflict));
        }
    }

    [Fact]
    public void A_released_migration_never_changes()
    {
        var hashes = Migration.All.Select(migration =>
            (
                migration.Version,
                Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(migration.Sql)))[
                    ..16
                ]
            )
        );

        Assert.Equal(
            [
                (1, "855e030fc010d906"),
                (2, "f0e389ec3abf8862"),
                (3, "17a3ea199011964f"),
                (4, "fecdd7896d02a0e2"),
                (5, "2af1c518bd9bb478"),
                (6, "d08cb4c768d86273"),
                (7, "d77d65d608e06d2a"),
                (8, "8f4fb0756a0cfad7"),
                (9, "2c9fa3946fd7d302"),
                (12, "982a0e6d50717270"),
                (13, "09ac4fd60334f306"),
                (14, "03c382ceafa8e4bf"),
                (16, "3fe4a8b1d551e8de"),
                (18, "00b7626eee0f1a55"),
                (19, "b0fe734c6e126599"),
                (20, "87da6af2af0eb1a7"),
                (21, "93858bb0c85735b0"),
            ],
            hashes
        );
    }

    [Fact]
    public async Task An_episode_that_was_acknowledged_survives_a_process_that_never_closed_the_store()
    {
        var services = Services("lightning.db");
        await services.OpenLightningAsync(create: true, Token);
        var recorder = services.GetRequiredService<EpisodeRecorder>();
        await recorder.RecordAsync(
            new Episode
            {
                Id = "e1",
                AgentId = "a",
                UserInput = "i",
                AssistantOutput = "o",
                CreatedAt = DateTimeOffset.UtcNow,
                RequestLatencyMs = 1,
            },
            Token
        );
        await recorder.FlushAsync(Token);

        // A copy of the files as they lie on disk now is what a crash would leave.
        foreach (var file in Directory.GetFiles(_folder.Path))
        {
            File.Copy(file, file.Replace("lightning.db", "crashed.db", StringComparison.Ordinal));
        }

        await using var after = Services("crashed.db");
        await after.OpenLightningAsync(create: false, Token);
        Assert.Equal(1, await after.GetRequiredService<IEpisodeStore>().CountAsync("a", Token));
        await services.DisposeAsync();
    }

    public void Dispose()
    {
        _folder.Dispose();
    }

    private static Episode NewEpisode(string id) =>
        new()
        {
            Id = id,
            AgentId = "agent",
            UserInput = "q",
            AssistantOutput = "a",
            InputKey = id,
            RequestLatencyMs = 1,
            CreatedAt = DateTimeOffset.UnixEpoch,
        };

    private ServiceProvider Services(string name, TimeSpan? lockWait = null)
    {
        var options = new LightningOptions { Store = _folder.File(name) };
        return new ServiceCollection()
            .AddLogging()
            .AddLightningServices(lockWait is { } wait ? options with { LockWait = wait } : options)
            .BuildServiceProvider();
    }
}
