using Microsoft.Extensions.Logging;

namespace AgentLightning.Client.Delivery;

/// <summary>
/// Remembers which release answers in a session. The first call of a session asks and waits a moment; after
/// <see cref="LightningClientOptions.ReleaseCache"/> the next one asks again in the background and goes on with what it knows. Where
/// nobody answers, the release known last goes on, and without one the base model.
/// </summary>
/// <remarks>Any thread may call. Never throws for what goes wrong with asking.</remarks>
internal sealed partial class ReleaseSelector(IReleaseSource source, LightningClientOptions options, TimeProvider time, ILogger logger)
    : IDisposable
{
    /// <summary>Sessions that are remembered; the oldest half goes when there are more.</summary>
    internal const int Most = 10_000;

    /// <summary>How long a call waits for an answer.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Agent, string? Session), Entry> _entries = [];
    private bool _failing;

    /// <summary>Sessions that are remembered now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    public ValueTask<SelectedRelease> SelectAsync(string agentId, string? sessionId, CancellationToken cancellationToken)
    {
        Entry entry;
        bool isNew;
        lock (_lock)
        {
            isNew = !_entries.TryGetValue((agentId, sessionId), out var known);
            entry = known ?? (_entries[(agentId, sessionId)] = new Entry());
            if (!isNew && (entry.Asking is { IsCompleted: false } || time.GetElapsedTime(entry.AskedAt) < options.ReleaseCache))
            {
                return entry.Release is { } release ? ValueTask.FromResult(release) : new ValueTask<SelectedRelease>(entry.Asking!);
            }

            entry.AskedAt = time.GetTimestamp();
            entry.Asking = Task.Run(() => AskAsync(entry, agentId, sessionId), CancellationToken.None);
            Trim();
        }

        return entry.Release is { } served
            ? ValueTask.FromResult(served)
            : new ValueTask<SelectedRelease>(entry.Asking.WaitAsync(cancellationToken));
    }

    public void Dispose() => (source as IDisposable)?.Dispose();

    private async Task<SelectedRelease> AskAsync(Entry entry, string agentId, string? sessionId)
    {
        try
        {
            using var limit = new CancellationTokenSource(Longest, time);
            entry.Release = await source.SelectAsync(agentId, sessionId, limit.Token).ConfigureAwait(false);
            if (_failing)
            {
                _failing = false;
                LogBack(logger);
            }
        }
        catch (Exception e)
        {
            if (!_failing)
            {
                _failing = true;
                LogAway(logger, e is OperationCanceledException ? $"no answer within {Longest.TotalSeconds} s" : e.GetType().Name);
            }
        }

        return entry.Release ?? SelectedRelease.Base;
    }

    private void Trim()
    {
        if (_entries.Count <= Most)
        {
            return;
        }

        foreach (var (key, _) in _entries.OrderBy(entry => entry.Value.AskedAt).Take(Most / 2).ToList())
        {
            _entries.Remove(key);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Which release serves cannot be asked for, and what was known last, or the base model, answers: {Reason}"
    )]
    private static partial void LogAway(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Which release serves is known again.")]
    private static partial void LogBack(ILogger logger);

    private sealed class Entry
    {
        private volatile SelectedRelease? _release;

        public SelectedRelease? Release
        {
            get => _release;
            set => _release = value;
        }

        public Task<SelectedRelease>? Asking { get; set; }

        public long AskedAt { get; set; }
    }
}
