using System.Collections.Concurrent;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Storage;
using AgentLightning.Testing;
using AgentLightning.Tests.Storage.Conformance;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace AgentLightning.Tests.Storage;

/// <summary>What is particular to a store on a server that others share, and that may be away.</summary>
public sealed class PostgresServerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_database_without_a_store_is_not_filled_when_it_should_hold_one()
    {
        var store = PostgresServer.Cluster.NewDatabase();
        await using var services = Services(store);

        var error = await Assert.ThrowsAsync<LightningException>(() => services.OpenLightningAsync(create: false, Token));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        AssertNames(error, store);
        Assert.Equal("0", PostgresServer.Cluster.Execute(DatabaseOf(store), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));
        await services.OpenLightningAsync(create: true, Token);
        await services.OpenLightningAsync(create: false, Token);
    }

    [Theory]
    [InlineData("Password", "wrong-hunter2", ErrorKind.Invalid)]
    [InlineData("Username", "nobody", ErrorKind.Invalid)]
    [InlineData("Database", "no_such_database", ErrorKind.Invalid)]
    [InlineData("Search Path", "no_such_schema", ErrorKind.Invalid)]
    [InlineData("Host", "/tmp/no-such-folder", ErrorKind.Unavailable)]
    [InlineData("Host", "host.invalid", ErrorKind.Unavailable)]
    public async Task A_store_that_cannot_be_opened_is_named_and_its_password_is_not(string keyword, string value, ErrorKind kind)
    {
        var store = new NpgsqlConnectionStringBuilder(PostgresServer.Cluster.NewDatabase()) { [keyword] = value }.ConnectionString;
        await using var services = Services(store);

        var error = await Assert.ThrowsAsync<LightningException>(() => services.OpenLightningAsync(create: true, Token));

        Assert.Equal(kind, error.Kind);
        AssertNames(error, store);
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_unavailable()
    {
        const string Store = "Host=127.0.0.1;Port=1;Database=lightning;Username=me;Password=hunter2";
        await using var services = Services(Store);

        var error = await Assert.ThrowsAsync<LightningException>(() => services.OpenLightningAsync(create: true, Token));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        AssertNames(error, Store);
    }

    [Fact]
    public async Task A_password_that_is_missing_is_said()
    {
        var store = new NpgsqlConnectionStringBuilder(PostgresServer.Cluster.NewDatabase()) { Password = null }.ConnectionString;
        await using var services = Services(store);

        var error = await Assert.ThrowsAsync<LightningException>(() => services.OpenLightningAsync(create: true, Token));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains("password", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Who_may_only_use_the_tables_opens_a_store_that_is_up_to_date()
    {
        var store = PostgresServer.Cluster.NewDatabase();
        await using (var owner = Services(store))
        {
            await owner.OpenLightningAsync(create: true, Token);
        }

        var user = $"{DatabaseOf(store)}_user";
        PostgresServer.Cluster.Execute(
            DatabaseOf(store),
            $"CREATE ROLE {user} LOGIN PASSWORD 'x'; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {user}"
        );
        await using var services = Services(new NpgsqlConnectionStringBuilder(store) { Username = user, Password = "x" }.ConnectionString);

        await services.OpenLightningAsync(create: true, Token);
        Assert.Equal(1, await services.GetRequiredService<IEpisodeStore>().AddAsync([NewEpisode("e1")], Token));
    }

    [Fact]
    public async Task A_store_of_a_newer_program_is_refused_and_stays_as_it_is()
    {
        var store = PostgresServer.Cluster.NewDatabase();
        await using var services = Services(store);
        await services.OpenLightningAsync(create: true, Token);
        PostgresServer.Cluster.Execute(
            DatabaseOf(store),
            "INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'later', 0)"
        );

        var error = await Assert.ThrowsAsync<LightningException>(() => services.OpenLightningAsync(create: true, Token));

        Assert.Contains("9999", error.Message, StringComparison.Ordinal);
        AssertNames(error, store);
    }

    [Fact]
    public async Task A_read_can_not_write()
    {
        await using var services = Services(PostgresServer.Cluster.NewDatabase());
        await services.OpenLightningAsync(create: true, Token);

        await Assert.ThrowsAsync<LightningException>(() =>
            services.GetRequiredService<SqlDatabase>().ReadAsync(session => session.ExecuteAsync("DELETE FROM episodes", Token), Token)
        );
    }

    [Fact]
    public async Task Connections_that_the_server_ended_are_replaced_without_an_error()
    {
        var store = PostgresServer.Cluster.NewDatabase();
        await using var services = Services(store);
        await services.OpenLightningAsync(create: true, Token);
        var episodes = services.GetRequiredService<IEpisodeStore>();
        foreach (var id in new[] { "e1", "e2" })
        {
            PostgresServer.Cluster.Execute(
                "postgres",
                $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DatabaseOf(store)}'"
            );

            Assert.Equal(1, await episodes.AddAsync([NewEpisode(id)], Token));
        }

        PostgresServer.Cluster.Execute(
            "postgres",
            $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DatabaseOf(store)}'"
        );
        Assert.Equal(2, await episodes.CountAsync(null, Token));
    }

    [Fact]
    public async Task A_session_that_is_ended_again_and_again_is_unavailable_and_nothing_is_stored()
    {
        var store = PostgresServer.Cluster.NewDatabase();
        await using var services = Services(store);
        await services.OpenLightningAsync(create: true, Token);

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            services
                .GetRequiredService<SqlDatabase>()
                .WriteAsync(
                    async session =>
                    {
                        await session.ExecuteAsync(
                            "INSERT INTO artifacts (id, content) VALUES (@id, @content)",
                            Token,
                            ("@id", "a"),
                            ("@content", new byte[1])
                        );
                        return await session.ExecuteAsync("SELECT pg_terminate_backend(pg_backend_pid())", Token);
                    },
                    Token
                )
        );

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        AssertNames(error, store);
        Assert.Equal("0", PostgresServer.Cluster.Execute(DatabaseOf(store), "SELECT count(*) FROM artifacts"));
    }

    [Fact]
    public async Task Who_waits_for_another_transaction_can_give_up_and_the_other_goes_on()
    {
        await using var services = Services(PostgresServer.Cluster.NewDatabase());
        await services.OpenLightningAsync(create: true, Token);
        var database = services.GetRequiredService<SqlDatabase>();
        var holds = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var mayEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var holder = database.WriteAsync(
            async session =>
            {
                await database.SerialiseAsync(session, ["key"], Token);
                holds.SetResult();
                await mayEnd.Task;
                return await session.ExecuteAsync(
                    "INSERT INTO artifacts (id, content) VALUES (@id, @content)",
                    Token,
                    ("@id", "a"),
                    ("@content", new byte[1])
                );
            },
            Token
        );
        await holds.Task;
        using var patience = new CancellationTokenSource();

        var waiter = database.WriteAsync(
            async session =>
            {
                patience.CancelAfter(TimeSpan.FromMilliseconds(1));
                await database.SerialiseAsync(session, ["key"], patience.Token);
                return 0;
            },
            patience.Token
        );

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter);
        mayEnd.SetResult();
        Assert.Equal(1, await holder);
    }

    [Fact]
    public async Task Two_that_lock_each_other_out_both_succeed_in_the_end()
    {
        const string Mark = "UPDATE episodes SET model = COALESCE(model, '') || 'x' WHERE id = @id";
        await using var services = Services(PostgresServer.Cluster.NewDatabase());
        await services.OpenLightningAsync(create: true, Token);
        var database = services.GetRequiredService<SqlDatabase>();
        await services.GetRequiredService<IEpisodeStore>().AddAsync([NewEpisode("e1"), NewEpisode("e2")], Token);
        using var both = new Barrier(2);
        var (runs, isOneDone) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        await Task.WhenAll(Task.Run(() => LockAsync("e1", "e2")), Task.Run(() => LockAsync("e2", "e1")));

        // One was run again, and nothing of its first run is there.
        Assert.Equal(3, runs);
        Assert.Equal(("xx", "xx"), (await StoredAsync("e1"), await StoredAsync("e2")));

        async Task<string?> StoredAsync(string id) =>
            (await services.GetRequiredService<IEpisodeStore>().FindAsync(id, Token))!.ModelDeployment;

        async Task LockAsync(string first, string second)
        {
            await MarkBothAsync(first, second);
            isOneDone.TrySetResult();
        }

        Task<int> MarkBothAsync(string first, string second) =>
            database.WriteAsync(
                async session =>
                {
                    var run = Interlocked.Increment(ref runs);
                    if (run > 2)
                    {
                        // Run at once, it could be faster than the other one is woken, take the row from under it, and lock it out once
                        // more.
                        await isOneDone.Task.WaitAsync(Token);
                    }

                    await session.ExecuteAsync(Mark, Token, ("@id", first));
                    if (run <= 2)
                    {
                        both.SignalAndWait(Token);
                    }

                    return await session.ExecuteAsync(Mark, Token, ("@id", second));
                },
                Token
            );
    }

    [Fact]
    public async Task A_server_that_crashes_while_many_write_loses_nothing_that_was_acknowledged()
    {
        const int Writers = 6,
            Before = 150,
            EachAfter = 10;
        using var cluster = PostgresCluster.Start();
        await using var services = Services(cluster.NewDatabase());
        await services.OpenLightningAsync(create: true, Token);
        var store = services.GetRequiredService<IEpisodeStore>();
        var acknowledged = new ConcurrentBag<string>();
        var crashIsDue = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isBack = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var failures = 0;

        var writers = Task.WhenAll(
            Enumerable
                .Range(0, Writers)
                .Select(writer =>
                    Task.Run(async () =>
                    {
                        for (int i = 0, after = 0; after < EachAfter; i++)
                        {
                            try
                            {
                                await store.AddAsync([NewEpisode($"{writer}-{i}-a"), NewEpisode($"{writer}-{i}-b")], Token);
                                acknowledged.Add($"{writer}-{i}-a");
                                acknowledged.Add($"{writer}-{i}-b");
                                after += isBack.Task.IsCompleted ? 1 : 0;
                            }
                            catch (LightningException e) when (e.Kind == ErrorKind.Unavailable)
                            {
                                Interlocked.Increment(ref failures);
                                await isBack.Task.WaitAsync(Token);
                            }

                            if (acknowledged.Count >= Before)
                            {
                                crashIsDue.TrySetResult();
                            }
                        }
                    })
                )
        );
        await await Task.WhenAny(crashIsDue.Task, writers);
        cluster.Kill();
        var error = await Assert.ThrowsAsync<LightningException>(() => store.CountAsync(null, Token));
        cluster.StartServer();
        isBack.SetResult();
        await writers;

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.True(failures > 0, "nobody was writing when the server crashed");
        foreach (var id in acknowledged)
        {
            Assert.NotNull(await store.FindAsync(id, Token));
        }

        // What was not acknowledged may be there, but never half of it.
        Assert.Equal(0, await store.CountAsync(null, Token) % 2);
    }

    [Fact]
    public async Task Ids_and_pages_sort_by_their_bytes_whatever_the_language_of_the_database()
    {
        await using var services = Services(PostgresServer.Cluster.NewDatabase());
        await services.OpenLightningAsync(create: true, Token);
        var store = services.GetRequiredService<IEpisodeStore>();
        await store.AddAsync([NewEpisode("a"), NewEpisode("B"), NewEpisode("_"), NewEpisode("ä")], Token);

        Assert.Equal(["ä", "a", "_", "B"], (await store.ListAsync(new EpisodeQuery(), Token)).Select(episode => episode.Id));
    }

    private static ServiceProvider Services(string store) =>
        new ServiceCollection().AddLogging().AddLightningServices(new LightningOptions { Store = store }).BuildServiceProvider();

    private static string DatabaseOf(string store) => new NpgsqlConnectionStringBuilder(store).Database!;

    private static Episode NewEpisode(string id) =>
        new()
        {
            Id = id,
            AgentId = "a",
            UserInput = "i",
            AssistantOutput = "o",
            CreatedAt = DateTimeOffset.UnixEpoch,
            RequestLatencyMs = 1,
        };

    private static void AssertNames(LightningException error, string store)
    {
        var settings = new NpgsqlConnectionStringBuilder(store);
        Assert.Contains(settings.Host!, error.Message, StringComparison.Ordinal);
        Assert.Contains(settings.Database!, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(settings.Password!, error.ToString(), StringComparison.Ordinal);
    }
}
