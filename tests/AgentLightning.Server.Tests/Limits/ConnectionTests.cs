using System.Collections.Concurrent;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Server.Tests;

public sealed class ConnectionTests
{
    private static readonly (byte[], bool) s_question = ("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), false);

    [Fact]
    public async Task Half_sent_headers_keep_nobody_out_whatever_their_number_and_are_told_in_one_line()
    {
        using var folder = new TemporaryFolder();
        using var lines = new Lines();
        await using var server = await ServerUnderTest.StartAsync(
            folder.File("lightning.db"),
            options => options with { HeaderTimeout = TimeSpan.FromMinutes(10) },
            services => services.AddLogging(logging => logging.AddProvider(lines))
        );
        var address = server.Http.BaseAddress!;
        var half = new List<RawConnection>();
        try
        {
            for (var i = 0; i < 1_050; i++)
            {
                half.Add(await RawConnection.OpenAsync(address));
                await half[^1].SendAsync("GET /health HTTP/1.1\r\nHost: local");
            }

            foreach (var from in new[] { "127.0.0.1", "127.0.0.2" })
            {
                using var other = await RawConnection.OpenAsync(address, from);
                Assert.Equal(200, Assert.Single(await other.ExchangeAsync([s_question])).Status);
            }

            // The first ones have made room; the last is still waited for.
            await half[0].ClosedAsync();
            await half[^1].SendAsync("host\r\n\r\n");
            Assert.Equal(200, (await half[^1].ReadAsync(isHead: false))!.Status);
            Assert.Contains("max_connections_per_address", Assert.Single(lines.Said), StringComparison.Ordinal);
        }
        finally
        {
            half.ForEach(connection => connection.Dispose());
        }
    }

    [Fact]
    public async Task Connections_at_work_are_not_closed_for_new_ones()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"), options =>
            options with
            {
                MaxConnections = 1,
            }
        );
        using var working = await RawConnection.OpenAsync(server.Http.BaseAddress!);
        await working.SendAsync(
            "POST /api/lightning/triage HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 15\r\n"
                + "Expect: 100-continue\r\n\r\n"
        );
        // The server asks for the body: the request runs.
        await working.LineAsync();
        await working.LineAsync();

        using var refused = await RawConnection.OpenAsync(server.Http.BaseAddress!);
        await refused.ClosedAsync();
        await working.SendAsync("""{"comment":"x"}""");

        Assert.Equal(200, (await working.ReadAsync(isHead: false))!.Status);
    }

    /// <summary>What the server says in its log.</summary>
    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Said { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void Dispose() { }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Said.Enqueue(formatter(state, exception));
    }
}
