namespace AgentLightning.Engine.Chat;

/// <summary>
/// One model for all its clients: loaded at the first lease, unloaded some time after the last, and at once with the last client.
/// </summary>
internal sealed class SharedModel(LocalModelOptions options, WeightCache weights, TimeProvider clock) : IDisposable
{
    private readonly Lock _lock = new();
    private Task<ModelRunner>? _runner;
    private ITimer? _idle;
    private int _clients,
        _leases;
    private bool _disposed;
    private Action? _beforeReading;

    public LocalModelOptions Options => options;

    public bool IsLoaded => _runner is { IsCompletedSuccessfully: true };

    public void AddClient(Action? beforeReading)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _beforeReading = beforeReading ?? _beforeReading;
            _clients++;
        }
    }

    public void RemoveClient()
    {
        lock (_lock)
        {
            _clients--;
        }

        UnloadIf(() => _clients == 0 && _leases == 0);
    }

    /// <summary>The model, loaded if it is not. Give it back with <see cref="Return"/>.</summary>
    public async Task<ModelRunner> RentAsync(CancellationToken cancellationToken)
    {
        Task<ModelRunner> runner;
        Task<ModelRunner>? broken = null;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _leases++;
            _idle?.Dispose();
            _idle = null;
            if (_runner is { IsFaulted: true } or { IsCompletedSuccessfully: true, Result.Failure: not null })
            {
                (broken, _runner) = (_runner, null);
            }

            // Loading goes on for the others when one who waits for it gives up.
            runner = _runner ??= LoadAsync(_beforeReading);
        }

        DisposeOf(broken);
        try
        {
            return await runner.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Return();
            throw;
        }
    }

    public void Return()
    {
        lock (_lock)
        {
            if (--_leases == 0 && _clients > 0 && !_disposed)
            {
                ITimer? timer = null;
                timer = clock.CreateTimer(
                    _ => UnloadIf(() => _leases == 0 && _idle == timer),
                    null,
                    Timeout.InfiniteTimeSpan,
                    Timeout.InfiniteTimeSpan
                );
                _idle = timer;
                timer.Change(options.IdleTimeout, Timeout.InfiniteTimeSpan);
            }
        }

        UnloadIf(() => _leases == 0 && _clients == 0);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        UnloadIf(() => true);
    }

    private Task<ModelRunner> LoadAsync(Action? beforeReading) =>
        Task.Run(
            () =>
            {
                beforeReading?.Invoke();
                return ModelRunner.Load(options, weights);
            },
            CancellationToken.None
        );

    private void UnloadIf(Func<bool> condition)
    {
        Task<ModelRunner>? runner = null;
        lock (_lock)
        {
            if (condition())
            {
                (runner, _runner) = (_runner, null);
                _idle?.Dispose();
                _idle = null;
            }
        }

        DisposeOf(runner);
    }

    /// <summary>Also of one that is still being loaded, once it is.</summary>
    private static void DisposeOf(Task<ModelRunner>? runner)
    {
        if (runner is { IsCompletedSuccessfully: true })
        {
            runner.Result.Dispose();
        }
        else
        {
            runner?.ContinueWith(
                loaded => loaded.Result.Dispose(),
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default
            );
        }
    }
}
