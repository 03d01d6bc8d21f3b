using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>Cancels a token once a run is asked to stop, whichever server was asked.</summary>
internal sealed class CancelWatch : IAsyncDisposable
{
    private readonly ITrainingRunStore _runs;
    private readonly string _runId;
    private readonly SemaphoreSlim _changed = new(1);
    private readonly CancellationTokenSource _asked = new();
    private readonly CancellationTokenSource _over = new();
    private readonly IDisposable _subscription;
    private readonly Task _watching;

    public CancelWatch(ITrainingRunStore runs, IChangeNotices notices, string runId)
    {
        (_runs, _runId) = (runs, runId);
        _subscription = notices.Subscribe(TrainingRun.Changes, _ => _changed.Release());
        _watching = WatchAsync();
    }

    /// <summary>Is cancelled when the run is to stop.</summary>
    public CancellationToken Asked => _asked.Token;

    public async ValueTask DisposeAsync()
    {
        _subscription.Dispose();
        await _over.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _asked.Dispose();
        _over.Dispose();
    }

    /// <summary>Looks once at first: it may have been asked before anybody listened.</summary>
    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await _changed.WaitAsync(_over.Token).ConfigureAwait(false);
                try
                {
                    if (await _runs.FindAsync(_runId, _over.Token).ConfigureAwait(false) is { CancelRequested: true })
                    {
                        await _asked.CancelAsync().ConfigureAwait(false);
                        return;
                    }
                }
                catch (LightningException)
                {
                    // The store is away for a moment; another notice comes when it is back.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
    }
}
