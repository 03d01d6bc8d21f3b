using System.Text.Json;
using AgentLightning.Client.Delivery;
using AgentLightning.Client.Export;
using AgentLightning.Client.Telemetry;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AgentLightning.Client;

/// <summary>
/// Captures what an agent does and sends it to a server, or to a store in this process. Calls return at once and never throw for what goes
/// wrong with capture: that is counted in <see cref="Statistics"/> and by the meter <c>AgentLightning.Client</c>. One per process is
/// enough.
/// </summary>
/// <remarks>Any thread may call. Disposal delivers what is queued, within <see cref="LightningClientOptions.FlushTimeout"/>.</remarks>
public sealed partial class LightningClient : IAsyncDisposable, IDisposable
{
    private readonly Exporter? _exporter;
    private readonly SpanListener? _listener;
    private readonly ReleaseSelector? _releases;
    private readonly ILogger _logger;

    /// <summary>A client for a server. The options are read once.</summary>
    /// <exception cref="LightningException">An option is wrong; the message names all that are.</exception>
    public LightningClient(LightningClientOptions options, TimeProvider? time = null, ILogger<LightningClient>? logger = null)
        : this(options, null, null, time, logger) { }

    internal LightningClient(
        LightningClientOptions options,
        ICaptureSink? sink,
        IReleaseSource? releases,
        TimeProvider? time,
        ILogger<LightningClient>? logger
    )
    {
        options.Validate([]);
        (Options, Time, _logger) = (options, time ?? TimeProvider.System, (ILogger?)logger ?? NullLogger.Instance);
        Enabled = options.IsEnabled(hasStore: sink is not null);
        if (!Enabled)
        {
            LogOff(_logger);
            return;
        }

        _exporter = new Exporter(options, sink ?? new HttpSink(options, Time), new Redactor(options.Redaction), Time, _logger);
        _listener = new SpanListener(this);
        _releases = options.UseTunedModel ? new ReleaseSelector(releases ?? new HttpReleaseSource(options), options, Time, _logger) : null;
    }

    /// <summary>Whether anything is captured.</summary>
    public bool Enabled { get; }

    /// <summary>What became of records so far.</summary>
    public LightningStatistics Statistics
    {
        get
        {
            if (_exporter is null)
            {
                return new LightningStatistics(0, 0, 0, 0, 0, 0, 0, 0, new Dictionary<string, long>());
            }

            var counters = _exporter.Counters;
            var dropped = Enum.GetValues<DropReason>()
                .ToDictionary(reason => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString()), counters.Dropped);
            return new LightningStatistics(
                counters.Captured,
                counters.Sent,
                dropped.Values.Sum(),
                counters.Spooled,
                counters.Retried,
                _exporter.Queued,
                _exporter.SpoolBytes,
                _exporter.SpoolDamaged,
                dropped
            );
        }
    }

    internal LightningClientOptions Options { get; }

    internal TimeProvider Time { get; }

    internal SpanListener? Listener => _listener;

    /// <summary>
    /// Captures an episode that the application made itself. One that took longer than
    /// <see cref="LightningClientOptions.LatencyThresholdMs"/> also gets the penalty. False when it is not captured: capture is off, or it
    /// was dropped.
    /// </summary>
    public bool Track(Episode episode) => Enqueue(new EpisodeItem(episode)) && (Penalise(episode.Id, episode.RequestLatencyMs) || true);

    /// <summary>
    /// Sends a reward. False when it is not captured: capture is off, it was dropped, or the value is not from −1 to 1, or none on a scale.
    /// Whether a value is on its scale is for the server to say.
    /// </summary>
    public bool Reward(CapturedReward reward)
    {
        if (
            (
                reward is { Reward: >= -1 and <= 1, RawValue: null, Scale: null }
                || (reward is { Reward: null, RawValue: { } raw, Scale.Length: > 0 } && double.IsFinite(raw))
            ) && !string.IsNullOrEmpty(reward.EpisodeId)
        )
        {
            return Enqueue(new RewardItem(reward.RewardId is null ? reward with { RewardId = Ids.New(Time.GetUtcNow()) } : reward));
        }

        Drop();
        return false;
    }

    /// <summary>
    /// Sends the score of an automatic evaluation as a reward of source <c>eval_score</c>: (score − min) / (max − min) · 2 − 1, and 0 when
    /// min is max. The rubric says whether it reached <see cref="LightningClientOptions.EvalThreshold"/>. False when it is not captured or
    /// the score is out of range.
    /// </summary>
    public bool RewardEvaluation(string episodeId, double score, double min = 0, double max = 1, string? evaluator = null)
    {
        var part = max == min ? 0.5 : (score - min) / (max - min);
        var verdict = FormattableString.Invariant(
            $"{(part >= Options.EvalThreshold ? "passed" : "failed")}: {score} of {min}..{max}, threshold {Options.EvalThreshold}"
        );
        return Reward(new CapturedReward(episodeId, (part * 2) - 1, "eval_score", verdict, evaluator));
    }

    /// <summary>
    /// Which release an agent answers with in a session, the same for the whole session; the base model where
    /// <see cref="LightningClientOptions.UseTunedModel"/> is off, and where nobody could be asked yet. Waits for at most two seconds, and
    /// only for the first call of a session; chat clients and agents of <c>UseLightning</c> ask it themselves.
    /// </summary>
    /// <param name="agentId"><see cref="LightningClientOptions.AgentId"/> when null.</param>
    /// <param name="sessionId">Null is in no experiment.</param>
    public ValueTask<SelectedRelease> SelectReleaseAsync(
        string? agentId = null,
        string? sessionId = null,
        CancellationToken cancellationToken = default
    ) =>
        _releases is null
            ? ValueTask.FromResult(SelectedRelease.Base)
            : _releases.SelectAsync(agentId ?? Options.AgentId, sessionId, cancellationToken);

    /// <summary>Completes when everything captured before the call is at the server or on disk, or was dropped.</summary>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _exporter?.FlushAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _listener?.Dispose();
        _releases?.Dispose();
        if (_exporter is not null)
        {
            await _exporter.DisposeAsync().ConfigureAwait(false);
        }
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Completes when nothing waits on disk.</summary>
    internal Task DrainAsync(CancellationToken cancellationToken) => _exporter?.DrainAsync(cancellationToken) ?? Task.CompletedTask;

    internal bool Enqueue(CaptureItem item) => _exporter?.TryEnqueue(item) == true;

    /// <summary>Gives an episode that took too long its penalty.</summary>
    internal bool Penalise(string episodeId, double latencyMs) =>
        latencyMs > Options.LatencyThresholdMs
        && Options.LatencyPenalty < 0
        && Enqueue(
            new RewardItem(
                new CapturedReward(
                    episodeId,
                    Options.LatencyPenalty,
                    "latency_penalty",
                    FormattableString.Invariant($"latency > {Options.LatencyThresholdMs}ms"),
                    "auto",
                    RewardId: Ids.New(Time.GetUtcNow())
                )
            )
        );

    /// <summary>Counts something that could not be captured, and says why where an error did it.</summary>
    internal void Drop(Exception? reason = null)
    {
        _exporter?.Counters.Drop(DropReason.Unwritable, 1);
        if (reason is not null)
        {
            LogFailed(_logger, reason.GetType().Name);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Lightning captures nothing: name an endpoint, or set Enabled or ENABLE_LIGHTNING_CAPTURE=true."
    )]
    private static partial void LogOff(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A record could not be captured: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
