using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AgentLightning.Client.Export;

/// <summary>Sends batches to a server: records to <c>/api/lightning/capture</c>, spans to <c>/v1/traces</c>; compressed.</summary>
internal sealed class HttpSink : ICaptureSink, IDisposable
{
    private const int LongestAnswer = 1024 * 1024;
    private readonly HttpClient _http;
    private readonly Uri _records,
        _spans;
    private readonly AuthenticationHeaderValue? _key;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;

    public HttpSink(LightningClientOptions options, TimeProvider time)
    {
        var handler = options.Handler
            ?? new SocketsHttpHandler
            {
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                ConnectTimeout = TimeSpan.FromSeconds(5),
                AllowAutoRedirect = false,
                UseCookies = false,
                // Capture must not appear in the traces that it captures.
                ActivityHeadersPropagator = null,
            };
        _http = new HttpClient(handler, disposeHandler: options.Handler is null)
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LongestAnswer,
        };
        var root = (options.Endpoint ?? LightningClientOptions.DefaultEndpoint).AbsoluteUri.TrimEnd('/');
        (_records, _spans) = (new Uri($"{root}/api/lightning/capture"), new Uri($"{root}/v1/traces"));
        _key = options.ApiKey is null ? null : new AuthenticationHeaderValue("Bearer", options.ApiKey);
        (_timeout, _time) = (options.RequestTimeout, time);
    }

    public async Task<SinkAnswer> SendAsync(Payload payload, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, payload.Kind == PayloadKind.Records ? _records : _spans)
            {
                Content = Compress(payload),
            };
            request.Headers.Authorization = _key;
            using var response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode
                ? new SinkAnswer(
                    Verdict.Taken,
                    RefusedOf(payload.Kind, await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false))
                )
                : Judge(response);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return new SinkAnswer(
                Verdict.TryLater,
                Problem: e is OperationCanceledException ? $"no answer within {_timeout.TotalSeconds:0.#} s" : e.GetType().Name
            );
        }
    }

    public void Dispose() => _http.Dispose();

    private SinkAnswer Judge(HttpResponseMessage response)
    {
        var verdict = response.StatusCode switch
        {
            HttpStatusCode.TooManyRequests
            or HttpStatusCode.RequestTimeout
            or HttpStatusCode.Unauthorized
            or HttpStatusCode.BadGateway
            or HttpStatusCode.ServiceUnavailable
            or HttpStatusCode.GatewayTimeout => Verdict.TryLater,
            >= HttpStatusCode.InternalServerError => Verdict.Failed,
            _ => Verdict.Refused,
        };
        var after = response.Headers.RetryAfter;
        var wait = after?.Delta ?? (after?.Date is { } date ? date - _time.GetUtcNow() : null);
        return new SinkAnswer(verdict, Wait: wait > TimeSpan.Zero ? wait : null, Problem: $"status {(int)response.StatusCode}");
    }

    private static ByteArrayContent Compress(Payload payload)
    {
        using var output = new MemoryStream(payload.Bytes.Length / 4);
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(payload.Bytes.Span);
        }

        MemoryMarshal.TryGetArray(output.GetBuffer().AsMemory(0, (int)output.Length), out ArraySegment<byte> bytes);
        var content = new ByteArrayContent(bytes.Array!, bytes.Offset, bytes.Count);
        content.Headers.ContentType = new MediaTypeHeaderValue(
            payload.Kind == PayloadKind.Records ? "application/x-ndjson" : "application/json"
        );
        content.Headers.ContentEncoding.Add("gzip");
        return content;
    }

    /// <summary>How many records the answer says were refused; 0 where it cannot be read.</summary>
    private static int RefusedOf(PayloadKind kind, byte[] answer)
    {
        try
        {
            using var json = JsonDocument.Parse(answer);
            if (kind == PayloadKind.Records)
            {
                return json.RootElement.TryGetProperty("rejected", out var rejected) ? rejected.GetArrayLength() : 0;
            }

            // A 64-bit number is a string in the JSON of OTLP.
            return
                json.RootElement.TryGetProperty("partialSuccess", out var partial) && partial.TryGetProperty("rejectedSpans", out var spans)
                ? int.Parse(
                    spans.ValueKind == JsonValueKind.String ? spans.GetString()! : spans.GetRawText(),
                    System.Globalization.CultureInfo.InvariantCulture
                )
                : 0;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            return 0;
        }
    }
}
