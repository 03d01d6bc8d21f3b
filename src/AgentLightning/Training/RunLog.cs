using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>
/// Writes what a run says and how far it is, some lines at a time. Of the steps of a long run so many are written as are kept, evenly.
/// </summary>
internal sealed class RunLog : IProgress<TrainingProgress>, IAsyncDisposable
{
    /// <summary>Steps of a run that are written.</summary>
    private const int MostSteps = 1_000;

    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(500);
    private readonly ITrainingRunStore _runs;
    private readonly string _runId;
    private readonly Lease _lease;
    private readonly IProgress<TrainingProgress>? _also;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Task _writing;
    private List<TrainingLogLine> _lines = [];
    private (int Step, int Steps)? _at;

    /// <param name="also">Is told the same at once; or null.</param>
    public RunLog(ITrainingRunStore runs, string runId, Lease lease, IProgress<TrainingProgress>? also, TimeProvider time)
    {
        (_runs, _runId, _lease, _also, _time) = (runs, runId, lease, also, time);
        _writing = WriteNowAndThenAsync();
    }

    public void Report(TrainingProgress value)
    {
        _also?.Report(value);
        var now = _time.GetUtcNow().Rounded();
        var every = Math.Max(1, (value.Steps + MostSteps - 1) / MostSteps);
        lock (_lock)
        {
            if (value.Message is not null)
            {
                _lines.Add(new TrainingLogLine(0, now, null, value.Message, null));
            }

            if (value.Step > 0)
            {
                _at = (value.Step, value.Steps);
                if (value.Step % every == 0 || value.Step == value.Steps)
                {
                    // What is no number has no place in JSON.
                    var metrics = value.Metrics.Where(metric => double.IsFinite(metric.Value)).ToDictionary();
                    _lines.Add(new TrainingLogLine(0, now, value.Step, null, metrics));
                }
            }
        }
    }

    public void Say(string message) => Report(TrainingProgress.Say(message));

    /// <summary>Writes what was not written yet.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        List<TrainingLogLine> lines;
        (int Step, int Steps)? at;
        lock (_lock)
        {
            (lines, _lines) = (_lines, []);
            (at, _at) = (_at, null);
        }

        if (lines.Count == 0 && at is null)
        {
            return;
        }

        try
        {
            await _runs.TryLogAsync(_runId, lines, at?.Step, at?.Steps, _time.GetUtcNow(), _lease, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LightningException or OperationCanceledException)
        {
            // The store is away for a moment: what was to be written comes with the next lines.
            lock (_lock)
            {
                _lines = [.. lines, .. _lines];
                _at ??= at;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        await _writing.ConfigureAwait(false);
        await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        _over.Dispose();
    }

    private async Task WriteNowAndThenAsync()
    {
        using var timer = new PeriodicTimer(s_between, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_over.Token).ConfigureAwait(false))
            {
                await FlushAsync(_over.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The rest is written at disposal.
        }
    }
}
