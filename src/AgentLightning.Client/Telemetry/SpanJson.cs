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
internal sealed class SpanJson(Redactor redactor, LightningClientOptions options)
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
            Write(writer, span);
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
        WriteText(
            writer,
            "service.name",
            Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") is { Length: > 0 } name
                ? name
                : Assembly.GetEntryAssembly()?.GetName().Name ?? options.AgentId
        );
        WriteText(writer, "agentlightning.agent_id", options.AgentId);
        WriteText(writer, "agentlightning.tracer.name", "AgentLightning.Client");
        WriteText(writer, "telemetry.sdk.language", "dotnet");
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteStartArray("scopeSpans");
        foreach (var (scope, spans) in _scopes)
        {
            writer.WriteStartObject();
            writer.WriteStartObject("scope");
            writer.WriteString("name", scope.Name);
            if (scope.Version is not null)
            {
                writer.WriteString("version", scope.Version);
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

    private void Write(Utf8JsonWriter writer, Activity span)
    {
        writer.WriteStartObject();
        writer.WriteString("traceId", span.TraceId.ToHexString());
        writer.WriteString("spanId", span.SpanId.ToHexString());
        if (span.ParentSpanId != default)
        {
            writer.WriteString("parentSpanId", span.ParentSpanId.ToHexString());
        }

        if (!string.IsNullOrEmpty(span.TraceStateString))
        {
            writer.WriteString("traceState", span.TraceStateString);
        }

        writer.WriteString("name", redactor.Redact(span.DisplayName, options.AgentId));
        // OTLP counts from 1, because 0 is unspecified.
        writer.WriteNumber("kind", (int)span.Kind + 1);
        writer.WriteString("startTimeUnixNano", Nanoseconds(span.StartTimeUtc));
        writer.WriteString("endTimeUnixNano", Nanoseconds(span.StartTimeUtc + span.Duration));
        WriteAttributes(writer, span.TagObjects);
        writer.WriteStartArray("events");
        foreach (var happened in span.Events)
        {
            writer.WriteStartObject();
            writer.WriteString("timeUnixNano", Nanoseconds(happened.Timestamp.UtcDateTime));
            writer.WriteString("name", happened.Name);
            WriteAttributes(writer, happened.Tags);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("links");
        foreach (var link in span.Links)
        {
            writer.WriteStartObject();
            writer.WriteString("traceId", link.Context.TraceId.ToHexString());
            writer.WriteString("spanId", link.Context.SpanId.ToHexString());
            WriteAttributes(writer, link.Tags ?? []);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartObject("status");
        if (span.Status != ActivityStatusCode.Unset)
        {
            writer.WriteNumber("code", (int)span.Status);
        }

        if (span.StatusDescription is { } description)
        {
            writer.WriteString("message", redactor.Redact(description, options.AgentId));
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Texts are redacted together with their names, because the name tells that the value of <c>api_key</c> is secret.</summary>
    private void WriteAttributes(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, object?>> attributes)
    {
        var all = new Dictionary<string, object?>();
        foreach (var (name, value) in attributes)
        {
            all[name] = value;
        }

        var texts = all.Where(attribute => attribute.Value is string or IEnumerable<string>)
            .ToDictionary(attribute => attribute.Key, attribute => attribute.Value);
        Dictionary<string, JsonElement>? redacted = null;
        if (texts.Count > 0)
        {
            var json = JsonSerializer.Serialize(texts, Common.LightningJson.Options);
            if (redactor.Redact(json, options.AgentId) is var clean && !ReferenceEquals(clean, json))
            {
                redacted = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(clean)!;
            }
        }

        writer.WriteStartArray("attributes");
        if (redacted is null)
        {
            foreach (var (name, value) in all)
            {
                WriteAttribute(writer, name, value);
            }
        }
        else
        {
            // What was found in a text is gone under its own name, which may have been changed too.
            foreach (
                var (name, value) in redacted
                    .Select(pair => (pair.Key, (object?)pair.Value))
                    .Concat(all.Where(pair => !texts.ContainsKey(pair.Key)).Select(pair => (pair.Key, pair.Value)))
            )
            {
                WriteAttribute(writer, name, value);
            }
        }

        writer.WriteEndArray();
    }

    private static void WriteAttribute(Utf8JsonWriter writer, string name, object? value)
    {
        writer.WriteStartObject();
        writer.WriteString("key", name);
        writer.WritePropertyName("value");
        WriteValue(writer, value);
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string value) => WriteAttribute(writer, name, value);

    private static void WriteValue(Utf8JsonWriter writer, object? value)
    {
        writer.WriteStartObject();
        switch (value)
        {
            case null:
                break;
            case string text:
                writer.WriteString("stringValue", text);
                break;
            case bool flag:
                writer.WriteBoolean("boolValue", flag);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                writer.WriteString("intValue", Convert.ToInt64(value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture));
                break;
            case float or double:
                WriteDouble(writer, Convert.ToDouble(value, CultureInfo.InvariantCulture));
                break;
            case JsonElement { ValueKind: JsonValueKind.Array } list:
                WriteList(writer, list.EnumerateArray().Select(item => (object?)item));
                break;
            case JsonElement element:
                writer.WriteString("stringValue", element.ValueKind == JsonValueKind.String ? element.GetString() : element.GetRawText());
                break;
            case byte[] bytes:
                writer.WriteBase64String("bytesValue", bytes);
                break;
            case System.Collections.IEnumerable list:
                WriteList(writer, list.Cast<object?>());
                break;
            default:
                writer.WriteString("stringValue", Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }

        writer.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter writer, IEnumerable<object?> values)
    {
        writer.WriteStartObject("arrayValue");
        writer.WriteStartArray("values");
        foreach (var value in values)
        {
            WriteValue(writer, value);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteDouble(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumber("doubleValue", value);
        }
        else
        {
            // As the JSON of protobuf writes them.
            writer.WriteString(
                "doubleValue",
                double.IsNaN(value) ? "NaN"
                    : value > 0 ? "Infinity"
                    : "-Infinity"
            );
        }
    }

    private static string Nanoseconds(DateTime time) => ((time - DateTime.UnixEpoch).Ticks * 100).ToString(CultureInfo.InvariantCulture);
}
