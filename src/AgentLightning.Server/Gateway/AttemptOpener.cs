using System.Buffers;
using System.Net.Sockets;
using System.Text;

namespace AgentLightning.Server.Gateway;

/// <summary>
/// Opens one answer of one upstream: sends the call, and reads until it is clear that an answer comes, or that none does.
/// </summary>
internal sealed class AttemptOpener(GatewayOptions options, TimeProvider time)
{
    /// <summary>
    /// An answer in one piece is read whole before any of it is sent, up to here, so that one that breaks off can be tried again.
    /// </summary>
    private const int Whole = 1024 * 1024;

    /// <summary>Where something must be taken out of it, it is read whole up to here.</summary>
    private const int WholeToCut = 64 * 1024 * 1024;

    private const int LargestError = 256 * 1024;

    public async Task<(Attempt Attempt, EventRelay? Relay)> OpenAsync(
        OutgoingCall call,
        UpstreamModel server,
        CancellationToken cancellationToken
    )
    {
        var attempt = new Attempt(server.Upstream, server.Model, cancellationToken);
        attempt.Allow(server.Upstream.Options.Timeout);
        try
        {
            return await OpenAsync(call, attempt, attempt.Token);
        }
        catch (Exception e) when (FailureOf(e, server.Upstream, cancellationToken) is { } failure)
        {
            return (attempt.Failed(failure), null);
        }
        catch
        {
            attempt.Dispose();
            throw;
        }
    }

    private async Task<(Attempt Attempt, EventRelay? Relay)> OpenAsync(
        OutgoingCall call,
        Attempt attempt,
        CancellationToken cancellationToken
    )
    {
        var (upstream, request) = (attempt.Upstream, call.Request);
        var asksIds = upstream.Options.TokenIds && call.Route.HasChoices() && !request.AsksForTokenIds && call.Capture is not null;
        var asksUsage = upstream.Options.StreamUsage && call.Route.HasChoices() && request is { Stream: true, HasStreamOptions: false };
        using var message = upstream.NewRequest(HttpMethod.Post, call.Route.Path());
        message.Content = RequestBody.Of(request, attempt.Model, asksIds, asksUsage);
        message.Headers.TryAddWithoutValidation("idempotency-key", call.Id);
        foreach (var (name, value) in call.Forwarded)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        var response = attempt.Response = await upstream.SendAsync(message, cancellationToken);
        attempt.Rest = await response.Content.ReadAsStreamAsync(cancellationToken);
        var status = (int)response.StatusCode;
        if (status is < 200 or >= 300)
        {
            return (await RefusedAsync(attempt, status, cancellationToken), null);
        }

        if (response.Content.Headers.ContentType?.MediaType != "text/event-stream")
        {
            await ReadBodyAsync(attempt, asksIds ? WholeToCut : Whole, cancellationToken);
            Finish(call, attempt, asksIds);
            return (attempt, null);
        }

        attempt.Events = new SseBuffer();
        var relay = new EventRelay(call.Route, request.Choices, upstream, asksUsage, asksIds, call.Capture);
        await HoldAsync(attempt, relay, cancellationToken);
        return (attempt, relay);
    }

    /// <summary>Reads events until something of the answer has come, or it has taken too long to hold them back.</summary>
    private async Task HoldAsync(Attempt attempt, EventRelay relay, CancellationToken cancellationToken)
    {
        var (events, began) = (attempt.Events!, 0L);
        while (true)
        {
            while (events.TryNext(out var one))
            {
                switch (relay.Take(events, one, attempt.Held))
                {
                    case Relayed.Content:
                        return;
                    case Relayed.Error:
                        attempt.Failed(EarlyError.Of(attempt.Upstream, relay.Error!));
                        return;
                    case Relayed.Malformed:
                        attempt.Failed(Broken(attempt.Upstream, "answered with an event that is no JSON"));
                        return;
                }
            }

            began = began == 0 && attempt.Held.Length > 0 ? time.GetTimestamp() : began;
            if (!events.TryFree(out var room))
            {
                attempt.Failed(Broken(attempt.Upstream, $"answered with an event of over {SseBuffer.LongestEvent} bytes"));
                return;
            }

            var reading = attempt.Rest!.ReadAsync(room, cancellationToken).AsTask();
            if (began != 0 && !reading.IsCompleted)
            {
                var left = options.HoldBack - time.GetElapsedTime(began);
                if (left <= TimeSpan.Zero || await Task.WhenAny(reading, Task.Delay(left, time, cancellationToken)) != reading)
                {
                    attempt.Reading = reading;
                    return;
                }
            }

            var count = await reading;
            if (count == 0)
            {
                attempt.Failed(Broken(attempt.Upstream, "ended its answer before it began"));
                return;
            }

            events.Add(count);
        }
    }

    private static void Finish(OutgoingCall call, Attempt attempt, bool cut)
    {
        if (attempt.Rest is not null)
        {
            // It is seen piece by piece when it is sent.
            return;
        }

        attempt.Upstream.Scrub(attempt.Held.Span);
        call.Capture?.Add(attempt.Held.Span);
        if (cut && attempt.Held.Span.IndexOf("token_ids\""u8) >= 0)
        {
            var whole = attempt.Held.Memory.ToArray();
            attempt.Held.Clear();
            JsonCut.WithoutTokenIds(whole, attempt.Held);
        }
    }

    private static async Task ReadBodyAsync(Attempt attempt, int most, CancellationToken cancellationToken)
    {
        while (attempt.Held.Length < most)
        {
            var count = await attempt.Rest!.ReadAsync(attempt.Held.GetMemory(4096), cancellationToken);
            if (count == 0)
            {
                attempt.Rest = null;
                return;
            }

            attempt.Held.Advance(count);
        }
    }

    private async Task<Attempt> RefusedAsync(Attempt attempt, int status, CancellationToken cancellationToken)
    {
        var upstream = attempt.Upstream;
        await ReadBodyAsync(attempt, LargestError, cancellationToken);
        attempt.Rest = null;
        upstream.Scrub(attempt.Held.Span);
        if (status is 401 or 403)
        {
            // The caller's key is good: it is ours that is not.
            attempt.Held.Clear();
            return attempt.Failed(
                new AttemptFailure(
                    502,
                    "upstream_refused_key",
                    $"The upstream {upstream.Name} refused the key of the gateway ({status}). Its operator must set another.",
                    CanRetry: true,
                    IsOfUpstream: false,
                    TimeSpan.MaxValue
                )
            );
        }

        if (status is >= 300 and < 400)
        {
            attempt.Held.Clear();
            return attempt.Failed(
                Broken(upstream, $"sent the call elsewhere ({status}), which is not followed, since its key would go along")
            );
        }

        return attempt.Failed(
            new AttemptFailure(
                status,
                "upstream_error",
                $"The upstream {upstream.Name} answered {status}.",
                RetryRules.CanRetry(status),
                RetryRules.IsOfUpstream(status),
                RetryRules.RetryAfter(attempt.Headers!, time.GetUtcNow())
            )
        );
    }

    private static AttemptFailure Broken(Upstream upstream, string what) =>
        new(502, "upstream_broken", $"The upstream {upstream.Name} {what}.", CanRetry: true, IsOfUpstream: true);

    /// <summary>What went wrong on the way to the upstream; null when the caller went away, or the mistake is ours.</summary>
    private static AttemptFailure? FailureOf(Exception exception, Upstream upstream, CancellationToken cancellationToken) =>
        exception switch
        {
            OperationCanceledException when cancellationToken.IsCancellationRequested => null,
            OperationCanceledException => new AttemptFailure(
                504,
                "upstream_timeout",
                $"The upstream {upstream.Name} did not answer within {upstream.Options.Timeout.TotalSeconds:0.#} s.",
                CanRetry: true,
                IsOfUpstream: true
            ),
            HttpRequestException or IOException or SocketException => new AttemptFailure(
                502,
                "upstream_unreachable",
                upstream.Scrubbed($"The upstream {upstream.Name} cannot be reached, or broke off: {exception.Message}"),
                CanRetry: true,
                IsOfUpstream: true
            ),
            _ => null,
        };
}
