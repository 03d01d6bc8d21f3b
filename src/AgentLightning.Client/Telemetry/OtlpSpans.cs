using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentLightning.Governance;

namespace AgentLightning.Client.Telemetry;

/// <summary>
/// Writes spans as one request of OTLP in JSON, redacted: ids in hexadecimal, times and 64-bit numbers as strings, kinds as numbers.
/// </summary>
internal sealed class OtlpSpans(Redactor redactor, LightningClientOptions options)
{
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Dictionary<(string Name, string? Version), ArrayBufferWriter<byte>> _scopes = [];
    private readonly ArrayBufferWriter<byte> _one = new(4 * 1024);

    public int Count { get; private set; }

    public int Bytes { get; private set; }

    public void Add(Activity span)
    {
        _one.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_one, s_json))
        {
            Write(writer, span, RedactedSpan.Of(span, redactor, options.AgentId));
        }

        var scope = (span.Source.Name, span.Source.Version);
        if (!_scopes.TryGetValue(scope, out var spans))
        {
            _scopes[scope] = spans = new ArrayBufferWriter<byte>(16 * 1024);
        }

        if (spans.WrittenCount > 0)
        {
            spans.Write(","u8);
        }

        spans.Write(_one.WrittenSpan);
        Count++;
        Bytes += _one.WrittenCount;
    }

    /// <summary>The whole request.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        var request = new ArrayBufferWriter<byte>(Bytes + 1024);
        using var writer = new Utf8JsonWriter(request, s_json);
        writer.WriteStartObject();
        writer.WriteStartArray("resourceSpans");
        writer.WriteStartObject();
        writer.WriteStartObject("resource");
        writer.WriteStartArray("attributes");
        OtlpValues.WriteAttribute(
            writer,
            "service.name",
            redactor.Redact(
                Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") is { Length: > 0 } name
                    ? name
                    : Assembly.GetEntryAssembly()?.GetName().Name ?? options.AgentId,
                options.AgentId
            )
        );
        OtlpValues.WriteAttribute(writer, "agentlightning.agent_id", options.AgentId);
        OtlpValues.WriteAttribute(writer, "agentlightning.tracer.name", "AgentLightning.Client");
        OtlpValues.WriteAttribute(writer, "telemetry.sdk.language", "dotnet");
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteStartArray("scopeSpans");
        foreach (var (scope, spans) in _scopes)
        {
            writer.WriteStartObject();
            writer.WriteStartObject("scope");
            writer.WriteString("name", redactor.Redact(scope.Name, options.AgentId));
            if (scope.Version is not null)
            {
                writer.WriteString("version", redactor.Redact(scope.Version, options.AgentId));
            }

            writer.WriteEndObject();
            writer.WritePropertyName("spans");
            writer.WriteRawValue([.. "["u8, .. spans.WrittenSpan, .. "]"u8], skipInputValidation: true);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return request.WrittenMemory;
    }

    public void Clear()
    {
        _scopes.Clear();
        (Count, Bytes) = (0, 0);
    }

    private static void Write(Utf8JsonWriter writer, Activity span, RedactedSpan said)
    {
        writer.WriteStartObject();
        writer.WriteString("traceId", span.TraceId.ToHexString());
        writer.WriteString("spanId", span.SpanId.ToHexString());
        if (span.ParentSpanId != default)
        {
            writer.WriteString("parentSpanId", span.ParentSpanId.ToHexString());
        }

        if (!string.IsNullOrEmpty(said.TraceState))
        {
            writer.WriteString("traceState", said.TraceState);
        }

        writer.WriteString("name", said.Name);
        // OTLP counts from 1, because 0 is unspecified.
        writer.WriteNumber("kind", (int)span.Kind + 1);
        writer.WriteString("startTimeUnixNano", Nanoseconds(span.StartTimeUtc));
        writer.WriteString("endTimeUnixNano", Nanoseconds(span.StartTimeUtc + span.Duration));
        OtlpValues.WriteAttributes(writer, said.Attributes);
        writer.WriteStartArray("events");
        foreach (var happened in said.Events)
        {
            writer.WriteStartObject();
            writer.WriteString("timeUnixNano", Nanoseconds(happened.At));
            writer.WriteString("name", happened.Name);
            OtlpValues.WriteAttributes(writer, happened.Attributes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("links");
        foreach (var link in said.Links)
        {
            writer.WriteStartObject();
            writer.WriteString("traceId", link.Context.TraceId.ToHexString());
            writer.WriteString("spanId", link.Context.SpanId.ToHexString());
            if (!string.IsNullOrEmpty(link.TraceState))
            {
                writer.WriteString("traceState", link.TraceState);
            }

            OtlpValues.WriteAttributes(writer, link.Attributes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartObject("status");
        if (span.Status != ActivityStatusCode.Unset)
        {
            writer.WriteNumber("code", (int)span.Status);
        }

        if (said.StatusDescription is { } description)
        {
            writer.WriteString("message", description);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static string Nanoseconds(DateTime time) => ((time - DateTime.UnixEpoch).Ticks * 100).ToString(CultureInfo.InvariantCulture);
}
