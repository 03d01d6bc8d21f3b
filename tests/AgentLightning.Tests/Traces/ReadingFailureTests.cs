using System.Collections.Concurrent;
using AgentLightning.Traces;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Tests.Traces;

public sealed class ReadingFailureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_store_that_is_away_is_told_of_once_and_again_when_it_is_back()
    {
        var log = new Log();
        await using var desk = await TraceDesk.OpenAsync(services => services.AddSingleton<ILogger<EpisodeAssembler>>(log));
        var reader = desk.Product.Get<EpisodeAssembler>();

        await ExecuteAsync(desk, "ALTER TABLE traces RENAME TO hidden");
        for (var i = 0; i < 3; i++)
        {
            await reader.LookAsync(Token);
        }

        Assert.Contains("cannot be read", Assert.Single(log.Lines), StringComparison.Ordinal);
        await ExecuteAsync(desk, "ALTER TABLE hidden RENAME TO traces");
        await reader.LookAsync(Token);
        await reader.LookAsync(Token);
        Assert.Equal("Traces are read again.", log.Lines.Last());
        Assert.Equal(2, log.Lines.Count);
    }

    private static async Task ExecuteAsync(TraceDesk desk, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={desk.Product.Options.Store};Pooling=False");
        await connection.OpenAsync(Token);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Token);
    }

    private sealed class Log : ILogger<EpisodeAssembler>
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Lines.Enqueue(formatter(state, exception));
    }
}
