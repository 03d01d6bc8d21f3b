using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Server.Health;

/// <summary>One thing that must work.</summary>
/// <param name="Status"><c>healthy</c> or <c>unhealthy</c>.</param>
/// <param name="Detail">What is wrong; null when nothing is.</param>
public sealed record ReadyCheck(string Name, string Status, double DurationMs, string? Detail);

/// <summary>Whether the server can do its work now.</summary>
/// <param name="Status"><c>healthy</c>, <c>unhealthy</c>, or <c>draining</c> while it ends.</param>
/// <param name="Initialized">Whether the store is open and its schema up to date.</param>
/// <param name="Database"><c>sqlite</c> or <c>postgresql</c>.</param>
/// <param name="AuthMode"><c>api_key</c>, or <c>anonymous</c> when nobody needs a key.</param>
public sealed record ReadyResponse(
    string Status,
    bool Initialized,
    string Database,
    string AuthMode,
    IReadOnlyList<ReadyCheck> Checks,
    DateTimeOffset Timestamp
);

/// <summary>
/// Looks whether the parts work. All who ask within a second get one answer, so that asking often costs nothing.
/// </summary>
internal sealed class Readiness(
    StoreCheck store,
    EpisodeRecorder recorder,
    ApiKeyVerifier verifier,
    LightningServerOptions options,
    Draining draining,
    Redactor redactor,
    TimeProvider time
) : IDisposable
{
    private const string Healthy = "healthy";
    private static readonly TimeSpan s_believed = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private (IReadOnlyList<ReadyCheck> Checks, bool Keys, long At)? _last;
    private Task? _flush;

    public async Task<ReadyResponse> CheckAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_last is not { } last || time.GetElapsedTime(last.At) >= s_believed)
            {
                var inStore = await MeasureAsync("store", store.ProbeAsync, cancellationToken);
                var checks = new[] { inStore, await MeasureAsync("recorder", FlushAsync, cancellationToken) };
                // A store that is away cannot say whether it has keys; what it said last holds.
                var keys = inStore.Status == Healthy ? await verifier.AnyKeysAsync(cancellationToken) : _last?.Keys ?? true;
                _last = last = (checks, keys, time.GetTimestamp());
            }

            return new ReadyResponse(
                draining.Began ? "draining"
                    : last.Checks.All(check => check.Status == Healthy) ? Healthy
                    : "unhealthy",
                last.Checks[0].Status == Healthy,
                options.Lightning.UsesPostgres ? "postgresql" : "sqlite",
                last.Keys ? "api_key" : "anonymous",
                last.Checks,
                time.GetUtcNow()
            );
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    /// <summary>An empty write goes through the queue to the writer and back; one that is on its way is not followed by another.</summary>
    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        _flush = _flush is { IsCompleted: false } ? _flush : recorder.FlushAsync(CancellationToken.None);
        await _flush.WaitAsync(cancellationToken);
    }

    private async Task<ReadyCheck> MeasureAsync(string name, Func<CancellationToken, Task> check, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var patience = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        string? wrong = null;
        try
        {
            await check(either.Token);
        }
        catch (LightningException e)
        {
            wrong = redactor.Redact(e.Message);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            wrong = $"no answer within {s_patience.TotalSeconds:0} seconds";
        }

        return new ReadyCheck(
            name,
            wrong is null ? Healthy : "unhealthy",
            Math.Round(time.GetElapsedTime(started).TotalMilliseconds, 3),
            wrong
        );
    }
}
