using System.Runtime.ExceptionServices;

namespace AgentLightning.Storage;

/// <summary>One write on its way to the disk.</summary>
/// <param name="arrived">When, as the time provider's timestamp.</param>
internal abstract class SqliteWrite(long arrived, CancellationToken cancellationToken)
{
    public long Arrived { get; } = arrived;

    /// <summary>Cancels a write that has not begun.</summary>
    public CancellationToken Cancellation { get; } = cancellationToken;

    /// <summary>Why it was taken back by itself, while the others of its group stay.</summary>
    public Exception? Error { get; set; }

    public abstract Task RunAsync(SqlSession session);
}

internal sealed class SqliteWrite<T>(Func<SqlSession, Task<T>> work, long arrived, CancellationToken cancellationToken)
    : SqliteWrite(arrived, cancellationToken)
{
    private T? _value;

    /// <summary>What it gave, or its own error. To be asked for when its group is on disk.</summary>
    public T Take()
    {
        if (Error is not null)
        {
            ExceptionDispatchInfo.Throw(Error);
        }

        return _value!;
    }

    public override async Task RunAsync(SqlSession session) => _value = await work(session).ConfigureAwait(false);
}
