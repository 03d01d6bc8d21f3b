using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Health;

/// <summary>
/// Looks whether the parts work. All who ask within a second get one answer, so that asking often costs nothing.
/// </summary>
public sealed class CheckHealth(
    StoreCheck store,
    EpisodeRecorder recorder,
    ApiKeyVerifier verifier,
    LightningOptions options,
    Ending ending,
    Redactor redactor,
    TimeProvider time
) : IOperation, IDisposable
{
    private const string Healthy = "healthy";
    private static readonly TimeSpan s_believed = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private (IReadOnlyList<HealthCheck> Checks, bool Keys, long At)? _last;
    private Task? _flush;

    /// <summary>That the process lives, whatever else does not; role read.</summary>
    public Task<Liveness> LiveAsync(Scope scope, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        return Task.FromResult(new Liveness(Healthy, time.GetUtcNow()));
    }

    /// <summary>
    /// Whether a server can do its work: a small write comes to the disk, and the queue of the recorder moves; role read.
    /// </summary>
    public async Task<HealthReport> ReadyAsync(Scope scope, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_last is not { } last || time.GetElapsedTime(last.At) >= s_believed)
            {
                var inStore = await MeasureAsync("store", store.ProbeAsync, cancellationToken).ConfigureAwait(false);
                var checks = new[] { inStore, await MeasureAsync("recorder", FlushAsync, cancellationToken).ConfigureAwait(false) };
                // A store that is away cannot say whether it has keys; what it said last holds.
                var keys =
                    inStore.Status == Healthy ? await verifier.AnyKeysAsync(cancellationToken).ConfigureAwait(false) : _last?.Keys ?? true;
                _last = last = (checks, keys, time.GetTimestamp());
            }

            return Report(last.Checks, last.Keys);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Whether a store is one that this program can work with. Nothing is written; role read.</summary>
    public async Task<HealthReport> LookAsync(Scope scope, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var keys = true;
        var look = await MeasureAsync(
                "store",
                async patience =>
                {
                    await store.CheckUsableAsync(patience).ConfigureAwait(false);
                    keys = await verifier.AnyKeysAsync(patience).ConfigureAwait(false);
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        return Report([look], keys);
    }

    public void Dispose() => _gate.Dispose();

    private HealthReport Report(IReadOnlyList<HealthCheck> checks, bool keys) =>
        new(
            ending.Began ? "draining"
                : checks.All(check => check.Status == Healthy) ? Healthy
                : "unhealthy",
            checks[0].Status == Healthy,
            options.UsesPostgres ? "postgresql" : "sqlite",
            keys ? "api_key" : "anonymous",
            checks,
            time.GetUtcNow()
        );

    /// <summary>An empty write goes through the queue to the writer and back; one that is on its way is not followed by another.</summary>
    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        _flush = _flush is { IsCompleted: false } ? _flush : recorder.FlushAsync(CancellationToken.None);
        await _flush.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<HealthCheck> MeasureAsync(string name, Func<CancellationToken, Task> check, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var patience = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        string? wrong = null;
        try
        {
            await check(either.Token).ConfigureAwait(false);
        }
        catch (LightningException e)
        {
            wrong = redactor.Redact(e.Message);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            wrong = $"no answer within {s_patience.TotalSeconds:0} seconds";
        }

        return new HealthCheck(
            name,
            wrong is null ? Healthy : "unhealthy",
            Math.Round(time.GetElapsedTime(started).TotalMilliseconds, 3),
            wrong
        );
    }
}
