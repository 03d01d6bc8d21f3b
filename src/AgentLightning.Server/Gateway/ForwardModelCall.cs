using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Capture;
using AgentLightning.Common;
using AgentLightning.Episodes;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Server.Gateway;

/// <summary>
/// Answers a call of a model: finds who answers, passes bytes on both ways, and makes an episode of it without holding the caller up.
/// </summary>
internal sealed class ForwardModelCall(
    ModelRouter router,
    UpstreamCalls calls,
    SpendGuard spend,
    CaptureRoom room,
    CaptureDraft capture,
    GatewayOptions options,
    GatewayMetrics metrics,
    TimeProvider time
) : IOperation
{
    private static readonly string[] s_forwarded = ["accept", "user-agent", "openai-beta", "traceparent", "tracestate", "x-request-id"];

    /// <summary>
    /// Answers; role write. What is wrong with the call is a <see cref="GatewayException"/> or a <see cref="LightningException"/>, as long
    /// as nothing was sent.
    /// </summary>
    public async Task ExecuteAsync(Scope scope, HttpContext context, ModelRoute route, CallNames names, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        var started = time.GetTimestamp();
        var request = await ModelRequest.ReadAsync(context.Request, cancellationToken);
        CallCapture? kept = null;
        Call? call = null;
        try
        {
            await spend.CheckAsync(scope, cancellationToken);
            var session = names.Session ?? Ids.CheckName(request.SessionId, "metadata.session_id");
            var to = await router.FindAsync(scope, request.Model, names.Agent, session, cancellationToken);
            var now = time.GetUtcNow();
            var facts = new CallFacts(
                Ids.New(now),
                to.AgentId,
                route,
                now,
                session,
                Ids.CheckName(request.UserId, "user"),
                to.Served.Release?.Id,
                to.Served.ExperimentId,
                to.Served.Variant
            );
            kept = options.Capture ? CallCapture.TryBegin(room, request, facts) : null;
            Receipt(context.Response, facts, to.Asked, kept is not null);
            call = new Call(context, scope, route, request, to, facts, kept, started);
            await (to.Local is { } local ? AnswerAsync(call, local, cancellationToken) : ForwardAsync(call, cancellationToken));
        }
        finally
        {
            if (kept is null)
            {
                request.Dispose();
            }
            else if (call is not { IsEnded: true })
            {
                kept.Dispose();
            }
        }
    }

    private async Task ForwardAsync(Call call, CancellationToken cancellationToken)
    {
        Attempt? attempt = null;
        var attempts = 1;
        double? first = null;
        EventRelay? relay = null;
        var response = call.Context.Response;
        try
        {
            (attempt, relay, attempts) = await calls.OpenAsync(
                new OutgoingCall(
                    call.Route,
                    call.Request,
                    call.To.Servers,
                    call.Facts.EpisodeId,
                    Forwarded(call.Context.Request),
                    call.Capture
                ),
                cancellationToken
            );
            (call.Facts.Upstream, call.Facts.Model) = (attempt.Upstream.Name, attempt.Model);
            if (attempt.Failure is { } failure)
            {
                End(call, EpisodeStatus.Failed, null, failure.Message, false, attempts);
                await FailAsync(response, attempt, failure, relay?.Error, cancellationToken);
                return;
            }

            AnswerWriter.WriteHeaders(attempt, response);
            if (relay is null)
            {
                await AnswerWriter.SendBodyAsync(attempt, call.Capture, response, Ended, cancellationToken);
            }
            else
            {
                first = time.GetElapsedTime(call.Started).TotalMilliseconds;
                await AnswerWriter.SendEventsAsync(call.Route, attempt, relay, response, Ended, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            End(call, EpisodeStatus.Cancelled, first, "The caller went away.", first is not null, attempts);
        }
        finally
        {
            attempt?.Dispose();
        }

        void Ended(Sent sent)
        {
            spend.Charge(call.Scope, attempt!, relay);
            End(call, sent.IsWhole ? EpisodeStatus.Succeeded : EpisodeStatus.Failed, first, sent.Error, !sent.IsWhole, attempts);
        }
    }

    private async Task AnswerAsync(Call call, LocalAnswers local, CancellationToken cancellationToken)
    {
        call.Facts.Model = local.Model;
        var first = new FirstByte(time, call.Started);
        try
        {
            await local.AnswerAsync(
                call.Route,
                call.Request,
                call.Context.Response,
                call.Capture,
                first,
                () => End(call, EpisodeStatus.Succeeded, first.Milliseconds, null, false, 1),
                cancellationToken
            );
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            End(call, EpisodeStatus.Cancelled, first.Milliseconds, "The caller went away.", first.Milliseconds is not null, 1);
        }
        catch (LightningException e) when (call.Context.Response.HasStarted)
        {
            End(call, EpisodeStatus.Failed, first.Milliseconds, e.Message, true, 1);
            await call.Context.Response.BodyWriter.WriteAsync(GatewayError.Event(call.Route, "model_failed", e.Message), cancellationToken);
        }
        catch (Exception e) when (e is LightningException or GatewayException)
        {
            End(call, EpisodeStatus.Failed, null, e.Message, false, 1);
            throw;
        }
    }

    private static async Task FailAsync(
        HttpResponse response,
        Attempt attempt,
        AttemptFailure failure,
        byte[]? told,
        CancellationToken cancellationToken
    )
    {
        response.StatusCode = failure.Status;
        response.ContentType = "application/json";
        if (failure.RetryAfter is { } after && after < TimeSpan.FromDays(1))
        {
            response.Headers.RetryAfter = Math.Ceiling(after.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        // In the upstream's own words where it had any.
        var body =
            told is not null || attempt.Held.Length == 0 || attempt.Held.Span[0] != '{' || attempt.Events is not null
                ? GatewayError.Write(failure.Status, failure.Code, failure.Message, null)
                : attempt.Held.Memory;
        response.ContentLength = body.Length;
        await response.BodyWriter.WriteAsync(body, cancellationToken);
        await response.CompleteAsync();
    }

    /// <summary>
    /// Counts the call and gives its capture away, once. It is done before the caller can see the end, so that feedback that follows at
    /// once finds the episode.
    /// </summary>
    private void End(Call call, EpisodeStatus status, double? first, string? error, bool truncated, int attempts)
    {
        if (call.IsEnded)
        {
            return;
        }

        call.IsEnded = true;
        var end = new CallEnd(status, time.GetElapsedTime(call.Started).TotalMilliseconds, first, error, truncated, attempts);
        metrics.Answered(call.Route, call.Facts.Upstream ?? "local", end);
        if (call.Capture is { IsKept: true } kept)
        {
            kept.End(end);
            capture.TryQueue(call.Scope, kept, CancellationToken.None);
        }
        else
        {
            call.Capture?.Dispose();
        }
    }

    private static void Receipt(HttpResponse response, CallFacts facts, bool asked, bool kept)
    {
        if (kept)
        {
            response.Headers["x-lightning-episode-id"] = facts.EpisodeId;
        }

        if (asked)
        {
            response.Headers["x-lightning-release"] = facts.ReleaseId ?? "base";
        }

        if (facts.Variant is { } variant)
        {
            response.Headers["x-lightning-variant"] = variant;
        }
    }

    private static List<KeyValuePair<string, string>> Forwarded(HttpRequest request)
    {
        var headers = new List<KeyValuePair<string, string>>(s_forwarded.Length);
        foreach (var name in s_forwarded)
        {
            if (request.Headers.TryGetValue(name, out var value))
            {
                headers.Add(new(name, value.ToString()));
            }
        }

        return headers;
    }

    private sealed record Call(
        HttpContext Context,
        Scope Scope,
        ModelRoute Route,
        ModelRequest Request,
        Destination To,
        CallFacts Facts,
        CallCapture? Capture,
        long Started
    )
    {
        /// <summary>Whether it was counted, and its capture given away.</summary>
        public bool IsEnded { get; set; }
    }
}

/// <summary>What the address and the headers of a call name.</summary>
/// <param name="Session">Of the address, or else of a header; null for none.</param>
/// <param name="Agent">The same.</param>
internal sealed record CallNames(string? Session, string? Agent)
{
    /// <summary>Names that are too long are <see cref="ErrorKind.Invalid"/>.</summary>
    public static CallNames Of(HttpRequest request, string? session, string? agent)
    {
        session ??= Header(request, "x-session-id") ?? Header(request, "x-lightning-session");
        agent ??= Header(request, "x-lightning-agent");
        return new(Ids.CheckName(session, "The session"), agent is null ? null : Ids.Check(agent, "The agent"));
    }

    private static string? Header(HttpRequest request, string name) =>
        request.Headers[name].ToString() is { Length: > 0 } text ? text : null;
}

/// <summary>When the first byte of an answer was sent.</summary>
internal sealed class FirstByte(TimeProvider time, long started)
{
    /// <summary>Milliseconds since the call came.</summary>
    public double? Milliseconds { get; private set; }

    public void Mark() => Milliseconds ??= time.GetElapsedTime(started).TotalMilliseconds;
}
