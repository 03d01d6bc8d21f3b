using System.Runtime.ExceptionServices;
using Polly;
using Polly.CircuitBreaker;

namespace AgentLightning.Server.Gateway;

/// <summary>What is sent to an upstream.</summary>
/// <param name="Servers">Who serves the model, the one to ask first first; not empty.</param>
/// <param name="Id">Of the call: two attempts at it are told by it to be one.</param>
/// <param name="Forwarded">Headers of the caller that go along.</param>
internal sealed record OutgoingCall(
    ModelRoute Route,
    ModelRequest Request,
    UpstreamModel[] Servers,
    string Id,
    IReadOnlyList<KeyValuePair<string, string>> Forwarded,
    CallCapture? Capture
);

/// <summary>
/// Gets an answer out of the upstreams that serve a model: tries again, elsewhere first, as long as nothing of an answer has been sent.
/// </summary>
internal sealed class UpstreamCalls(GatewayOptions options, GatewayMetrics metrics, AttemptOpener opener, TimeProvider time, Random random)
{
    /// <summary>
    /// The answer, or the last failure. It is begun: whoever takes it sends it on and disposes it.
    /// </summary>
    public async Task<(Attempt Attempt, EventRelay? Relay, int Attempts)> OpenAsync(OutgoingCall call, CancellationToken cancellationToken)
    {
        var at = 0;
        call.Servers[0].Upstream.Budget.Pay();
        for (var number = 1; ; number++)
        {
            var server = call.Servers[at % call.Servers.Length];
            var (attempt, relay) = await TryAsync(call, server, cancellationToken);
            if (attempt.Failure is not { CanRetry: true } failure || number >= options.Attempts || !server.Upstream.Budget.TryTake())
            {
                return (attempt, relay, number);
            }

            at++;
            // Elsewhere it may succeed at once; the same server is given time.
            var isElsewhere = at < call.Servers.Length;
            var wait = isElsewhere ? TimeSpan.Zero : RetryRules.Wait(failure.RetryAfter, number, options.LongestWait, random);
            if (wait is null)
            {
                return (attempt, relay, number);
            }

            metrics.Retried(server.Upstream.Name);
            attempt.Dispose();
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait.Value, time, cancellationToken);
            }
        }
    }

    private async Task<(Attempt Attempt, EventRelay? Relay)> TryAsync(
        OutgoingCall call,
        UpstreamModel server,
        CancellationToken cancellationToken
    )
    {
        call.Capture?.Restart();
        var work = new Work(opener, call, server);
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            var outcome = await server.Upstream.Breaker.ExecuteOutcomeAsync(
                static async (context, work) => Outcome.FromResult(await work.OpenAsync(context.CancellationToken)),
                context,
                work
            );
            if (outcome.Result is { } attempt)
            {
                return (attempt, work.Relay);
            }

            if (outcome.Exception is not BrokenCircuitException)
            {
                ExceptionDispatchInfo.Throw(outcome.Exception!);
            }

            return (new Attempt(server.Upstream, server.Model, cancellationToken).Failed(LeftAlone(server.Upstream)), null);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private static AttemptFailure LeftAlone(Upstream upstream) =>
        new(
            503,
            "upstream_unavailable",
            $"The upstream {upstream.Name} failed too often and is left alone for some seconds. Try again then.",
            CanRetry: true,
            IsOfUpstream: false,
            TimeSpan.FromSeconds(5)
        );

    private sealed class Work(AttemptOpener opener, OutgoingCall call, UpstreamModel server)
    {
        public EventRelay? Relay { get; private set; }

        public async ValueTask<Attempt> OpenAsync(CancellationToken cancellationToken)
        {
            (var attempt, Relay) = await opener.OpenAsync(call, server, cancellationToken);
            return attempt;
        }
    }
}
