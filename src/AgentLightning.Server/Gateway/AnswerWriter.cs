using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Server.Gateway;

/// <summary>How sending an answer ended.</summary>
/// <param name="Error">Why the answer is not whole; null when it is.</param>
internal readonly record struct Sent(string? Error)
{
    public bool IsWhole => Error is null;
}

/// <summary>Sends an answer that is begun on to the caller, at the pace at which the caller reads.</summary>
internal static class AnswerWriter
{
    private static readonly HashSet<string> s_keptBack = new(StringComparer.OrdinalIgnoreCase)
    {
        // Of the connection, or written anew.
        "connection",
        "keep-alive",
        "transfer-encoding",
        "trailer",
        "upgrade",
        "proxy-authenticate",
        "proxy-connection",
        "content-length",
        "content-type",
        "date",
        "server",
        // Of the upstream and the operator, not of the caller.
        "set-cookie",
        "alt-svc",
        "strict-transport-security",
        "www-authenticate",
        "openai-organization",
        "openai-project",
    };

    /// <summary>Puts what the upstream says beside the answer into the answer of the gateway.</summary>
    public static void WriteHeaders(Attempt attempt, HttpResponse response)
    {
        response.StatusCode = attempt.Status;
        var message = attempt.Response!;
        foreach (var (name, values) in message.Headers.NonValidated)
        {
            Copy(name, values);
        }

        foreach (var (name, values) in message.Content.Headers.NonValidated)
        {
            Copy(name, values);
        }

        response.ContentType = message.Content.Headers.ContentType?.ToString() ?? "application/json";

        void Copy(string name, System.Net.Http.Headers.HeaderStringValues values)
        {
            if (!s_keptBack.Contains(name) && values.ToString() is { } text && !attempt.Upstream.Tells(text))
            {
                response.Headers[name] = text;
            }
        }
    }

    /// <summary>Sends an answer in one piece. Most are read whole already.</summary>
    /// <param name="ending">Called once, before the caller can see the end.</param>
    public static async Task SendBodyAsync(
        Attempt attempt,
        CallCapture? capture,
        HttpResponse response,
        Action<Sent> ending,
        CancellationToken cancellationToken
    )
    {
        if (attempt.Rest is null)
        {
            response.ContentLength = attempt.Held.Length;
            ending(default);
            await response.BodyWriter.WriteAsync(attempt.Held.Memory, cancellationToken);
            return;
        }

        response.ContentLength = attempt.Response!.Content.Headers.ContentLength;
        var (held, kept) = (attempt.Held, Math.Max(attempt.Upstream.KeyLength - 1, 0));
        try
        {
            while (true)
            {
                // The key may stand across two reads: what could be its beginning waits for the next.
                attempt.Upstream.Scrub(held.Span);
                var ready = Math.Max(held.Length - kept, 0);
                capture?.Add(held.Span[..ready]);
                await response.BodyWriter.WriteAsync(held.Memory[..ready], cancellationToken);
                held.DropFirst(ready);
                attempt.Allow(attempt.Upstream.Options.IdleTimeout);
                var count = await attempt.Rest.ReadAsync(held.GetMemory(64 * 1024), attempt.Token);
                if (count == 0)
                {
                    break;
                }

                held.Advance(count);
            }

            capture?.Add(held.Span);
            ending(default);
            await response.BodyWriter.WriteAsync(held.Memory, cancellationToken);
        }
        catch (Exception e) when (IsOfUpstream(e, cancellationToken))
        {
            // A body that is cut short must not look whole.
            ending(new Sent($"The upstream {attempt.Upstream.Name} broke off in the middle of its answer."));
            response.HttpContext.Abort();
        }
    }

    /// <summary>Sends a stream, event by event, until its end; where it breaks off, an error is its last event.</summary>
    /// <param name="ending">Called once, before the caller can see the end.</param>
    public static async Task SendEventsAsync(
        ModelRoute route,
        Attempt attempt,
        EventRelay relay,
        HttpResponse response,
        Action<Sent> ending,
        CancellationToken cancellationToken
    )
    {
        var (events, writer) = (attempt.Events!, response.BodyWriter);
        response.Headers.CacheControl = "no-cache";
        // Proxies that collect answers would take the pace out of it.
        response.Headers["x-accel-buffering"] = "no";
        writer.Write(attempt.Held.Span);
        var (broken, isTold) = ((string?)null, false);
        while (relay.Error is null && broken is null)
        {
            while (relay.Error is null && events.TryNext(out var one))
            {
                relay.Take(events, one, writer);
            }

            if (relay.IsDone && !isTold)
            {
                isTold = true;
                ending(default);
            }

            if (relay.Error is null && (await writer.FlushAsync(cancellationToken)).IsCompleted)
            {
                throw new OperationCanceledException(cancellationToken);
            }

            broken = relay.Error is null ? await ReadAsync(attempt, events, cancellationToken) : null;
            if (broken is { Length: 0 })
            {
                broken = Last(attempt, relay, events, writer);
                break;
            }

            if (broken is not null && relay.IsWhole)
            {
                // The answer was there; only the connection was not ended well.
                broken = null;
                break;
            }
        }

        if (broken is not null)
        {
            writer.Write(GatewayError.Event(route, "upstream_broken", broken));
        }

        if (!isTold)
        {
            ending(new Sent(relay.Error is null ? broken : Told(attempt, relay.Error)));
        }

        await writer.FlushAsync(cancellationToken);
    }

    private static string Told(Attempt attempt, byte[] error) =>
        $"The upstream {attempt.Upstream.Name} ended its answer with an error: {EarlyError.Of(attempt.Upstream, error).Message}";

    /// <summary>Null when something came, nothing at the end, and else why nothing more comes.</summary>
    private static async Task<string?> ReadAsync(Attempt attempt, SseBuffer events, CancellationToken cancellationToken)
    {
        if (attempt.Reading is null && !events.TryFree(out _))
        {
            return $"The upstream {attempt.Upstream.Name} sent an event of over {SseBuffer.LongestEvent} bytes.";
        }

        try
        {
            int count;
            if (attempt.Reading is { } reading)
            {
                attempt.Reading = null;
                count = await reading;
            }
            else
            {
                events.TryFree(out var room);
                attempt.Allow(attempt.Upstream.Options.IdleTimeout);
                count = await attempt.Rest!.ReadAsync(room, attempt.Token);
            }

            events.Add(count);
            return count == 0 ? "" : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"The upstream {attempt.Upstream.Name} sent nothing for {attempt.Upstream.Options.IdleTimeout.TotalSeconds:0.#} s."
            );
        }
        catch (Exception e) when (IsOfUpstream(e, cancellationToken))
        {
            return $"The upstream {attempt.Upstream.Name} broke off in the middle of its answer.";
        }
    }

    /// <summary>What stands behind the last whole event, and whether the answer came to its end; null when it did.</summary>
    private static string? Last(Attempt attempt, EventRelay relay, SseBuffer events, IBufferWriter<byte> writer)
    {
        if (events.TryLast(out var last) && last.DataLines > 0 && IsUsable(events.DataOf(last)))
        {
            relay.Take(events, last, writer);
            writer.Write("\n\n"u8);
        }

        return relay.IsWhole || relay.Error is not null ? null : $"The upstream {attempt.Upstream.Name} ended in the middle of its answer.";
    }

    private static bool IsUsable(ReadOnlySpan<byte> data) =>
        data.SequenceEqual("[DONE]"u8) || EventSigns.HasContent(ModelRoute.Chat, default, data) is not null;

    private static bool IsOfUpstream(Exception exception, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && exception is IOException or HttpRequestException or OperationCanceledException;
}
