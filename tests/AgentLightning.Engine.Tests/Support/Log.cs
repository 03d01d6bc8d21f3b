using System.Collections.Concurrent;
using AgentLightning.Engine.Backends;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Engine.Tests;

/// <summary>Keeps what is logged.</summary>
internal sealed class Log : ILogger<BackendLoader>
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
