using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentLightning.Traces.Otlp;

/// <summary>
/// Reads OTLP requests in JSON: names in lowerCamelCase, ids in hexadecimal digits, 64-bit numbers as strings or numbers, enums as numbers.
/// Unknown names are passed over.
/// </summary>
internal static class OtlpJson
{
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 256 };

    /// <summary>
    /// Throws <see cref="OtlpFormatException"/> when the body is no such request; a span that is broken in itself is refused alone.
    /// </summary>
    public static void Read(ReadOnlyMemory<byte> body, SpanForm form, OtlpBatch batch)
    {
        var (resources, scopes, spans) =
            form == SpanForm.Span ? ("resourceSpans", "scopeSpans", "spans") : ("resourceLogs", "scopeLogs", "logRecords");
        try
        {
            using var document = JsonDocument.Parse(body, s_options);
            foreach (var resource in Items(document.RootElement, resources))
            {
                var sender = new Sender();
                if (Member(resource, "resource") is { } described)
                {
                    var note = new SpanDraft(sender, form);
                    var start = batch.Begin();
                    WriteMembers(batch.Json, described, "attributes", note, sender, 0);
                    sender.ResourceJson = Encoding.UTF8.GetString(batch.EndAt(start));
                    (sender.Agent, sender.Session, sender.User) = (note.Agent, note.Session, note.User);
                }

                foreach (var scope in Items(resource, scopes))
                {
                    var own = sender.ForScope();
                    ReadScopeName(scope, own, batch);
                    foreach (var span in Items(scope, spans))
                    {
                        Read(span, new SpanDraft(own, form) { BodyStart = batch.Begin() }, batch);
                    }
                }
            }
        }
        catch (JsonException e)
        {
            throw new OtlpFormatException(
                e.BytePositionInLine is { } position ? $"it is not JSON, at line {e.LineNumber + 1}, byte {position + 1}" : "it is not JSON"
            );
        }
        catch (InvalidOperationException)
        {
            throw new OtlpFormatException("a text holds half a character (a surrogate by itself)");
        }
    }

    private static void ReadScopeName(JsonElement scopeSpans, Sender sender, OtlpBatch batch)
    {
        if (Member(scopeSpans, "scope") is not { } scope)
        {
            return;
        }

        var start = batch.Begin();
        batch.Json.WriteStartObject();
        sender.Scope = Text(scope, "name");
        batch.Json.WriteString("name"u8, sender.Scope);
        batch.Json.WriteString("version"u8, Text(scope, "version"));
        batch.Json.WritePropertyName("attributes"u8);
        WriteMembers(batch.Json, scope, "attributes", null, null, 0);
        batch.Json.WriteEndObject();
        sender.ScopeJson = Encoding.UTF8.GetString(batch.EndAt(start));
    }

    private static void Read(JsonElement element, SpanDraft span, OtlpBatch batch)
    {
        try
        {
            batch.Json.WriteStartObject();
            span.TraceId = Hex(Text(element, "traceId"), 32);
            span.SpanId = Hex(Text(element, "spanId"), 16);
            if (span.Form == SpanForm.Span)
            {
                ReadSpan(element, span, batch.Json);
            }
            else
            {
                ReadLog(element, span, batch.Json);
            }

            batch.Json.WriteEndObject();
            batch.Add(span);
        }
        catch (OtlpFormatException e)
        {
            batch.Refuse(span, $"it cannot be read: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            batch.Refuse(span, "it cannot be read: a text holds half a character (a surrogate by itself)");
        }
    }

    private static void ReadSpan(JsonElement element, SpanDraft span, BodyWriter json)
    {
        span.ParentId = Hex(Text(element, "parentSpanId"), 16);
        span.Name = Text(element, "name");
        span.Kind = (int)Math.Min(Unsigned(element, "kind"), 99);
        (span.Start, span.End) = (Unsigned(element, "startTimeUnixNano"), Unsigned(element, "endTimeUnixNano"));
        if (Text(element, "traceState") is { Length: > 0 } state)
        {
            json.WriteString("trace_state"u8, state);
        }

        if (Member(element, "status") is { } status)
        {
            span.Status = Unsigned(status, "code");
            if (Text(status, "message") is { Length: > 0 } message)
            {
                json.WriteString("status_message"u8, message);
            }
        }

        SpanBodyJson.WriteKind(json, span.Kind);
        WriteAttributes(json, element, span);
        if (Member(element, "events") is not null)
        {
            json.WriteStartArray("events"u8);
            foreach (var item in Items(element, "events"))
            {
                var name = Text(item, "name");
                span.Marks |= KnownAttributes.MarksOfEvent(name);
                json.WriteStartObject();
                SpanBodyJson.WriteOffset(json, Unsigned(item, "timeUnixNano"), span.Start);
                json.WriteString("name"u8, name);
                WriteAttributes(json, item, null);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (Member(element, "links") is not null)
        {
            json.WriteStartArray("links"u8);
            foreach (var link in Items(element, "links"))
            {
                json.WriteStartObject();
                json.WriteString("trace_id"u8, Text(link, "traceId"));
                json.WriteString("span_id"u8, Text(link, "spanId"));
                WriteAttributes(json, link, null);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }
    }

    private static void ReadLog(JsonElement element, SpanDraft log, BodyWriter json)
    {
        log.Name = Text(element, "eventName");
        log.Start = Unsigned(element, "timeUnixNano") is > 0 and var time ? time : Unsigned(element, "observedTimeUnixNano");
        (log.End, log.ParentId) = (log.Start, log.SpanId);
        if (Member(element, "body") is { } body)
        {
            json.WritePropertyName("body"u8);
            WriteValue(json, body, 0, out _);
        }

        WriteAttributes(json, element, log);
        log.Marks |= KnownAttributes.MarksOfEvent(log.Name);
    }

    private static void WriteAttributes(BodyWriter json, JsonElement element, SpanDraft? span)
    {
        json.WritePropertyName("attributes"u8);
        WriteMembers(json, element, "attributes", span, null, 0);
    }

    private static void WriteMembers(BodyWriter json, JsonElement element, string list, SpanDraft? span, Sender? resource, int depth)
    {
        json.WriteStartObject();
        foreach (var pair in Items(element, list))
        {
            var key = Text(pair, "key");
            var known = span is null ? KnownAttribute.None : KnownAttributes.Of(key);
            if (span is not null && resource is null)
            {
                span.Marks |= KnownAttributes.MarksOf(key);
            }

            json.WritePropertyName(key);
            if (Member(pair, "value") is not { } value)
            {
                json.WriteNullValue();
                continue;
            }

            WriteValue(json, value, depth, out var text);
            if (known != KnownAttribute.None && text is not null)
            {
                SpanBodyJson.Note(span!, resource, known, text);
            }
        }

        json.WriteEndObject();
    }

    private static void WriteValue(BodyWriter json, JsonElement value, int depth, out string? text)
    {
        text = null;
        if (depth >= OtlpBatch.DeepestValue)
        {
            throw new OtlpFormatException($"values are nested deeper than {OtlpBatch.DeepestValue}");
        }

        var (kind, one) =
            value.ValueKind == JsonValueKind.Object
                ? value.EnumerateObject().LastOrDefault() is { Value.ValueKind: not JsonValueKind.Undefined } last
                    ? (last.Name, last.Value)
                    : ("", value)
                : throw Wrong("value");
        switch (kind)
        {
            case "stringValue":
                text = one.ValueKind == JsonValueKind.String ? one.GetString() : throw Wrong(kind);
                json.WriteStringValue(text!);
                break;
            case "boolValue":
                json.WriteBooleanValue(
                    one.ValueKind switch
                    {
                        JsonValueKind.True => true,
                        JsonValueKind.False => false,
                        _ => throw Wrong(kind),
                    }
                );
                break;
            case "intValue":
                var number = long.TryParse(
                    one.ValueKind == JsonValueKind.String ? one.GetString() : one.GetRawText(),
                    NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture,
                    out var read
                )
                    ? read
                    : throw Wrong(kind);
                text = SpanDraft.Text(number);
                json.WriteNumberValue(number);
                break;
            case "doubleValue":
                SpanBodyJson.WriteNumber(json, Double(one));
                break;
            case "arrayValue":
                json.WriteStartArray();
                foreach (var item in Items(one, "values"))
                {
                    WriteValue(json, item, depth + 1, out _);
                }

                json.WriteEndArray();
                break;
            case "kvlistValue":
                WriteMembers(json, one, "values", null, null, depth + 1);
                break;
            case "bytesValue":
                SpanBodyJson.WriteBytes(
                    json,
                    one.ValueKind == JsonValueKind.String && one.TryGetBytesFromBase64(out var bytes) ? bytes : throw Wrong(kind)
                );
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }

    private static double Double(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble(),
            JsonValueKind.String when value.GetString() is "NaN" or "Infinity" or "-Infinity" => value.GetString() switch
            {
                "NaN" => double.NaN,
                "Infinity" => double.PositiveInfinity,
                _ => double.NegativeInfinity,
            },
            JsonValueKind.String
                when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
            _ => throw Wrong("doubleValue"),
        };

    private static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind != JsonValueKind.Object ? throw Wrong("an object")
        : element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value
        : null;

    private static JsonElement.ArrayEnumerator Items(JsonElement element, string name) =>
        Member(element, name) switch
        {
            null => default,
            { ValueKind: JsonValueKind.Array } list => list.EnumerateArray(),
            _ => throw Wrong(name),
        };

    private static string Text(JsonElement element, string name) =>
        Member(element, name) switch
        {
            null => "",
            { ValueKind: JsonValueKind.String } text => text.GetString()!,
            _ => throw Wrong(name),
        };

    private static ulong Unsigned(JsonElement element, string name) =>
        Member(element, name) switch
        {
            null => 0,
            { ValueKind: JsonValueKind.Number or JsonValueKind.String } value
                when ulong.TryParse(
                    value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText(),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var number
                ) => number,
            _ => throw Wrong(name),
        };

    private static string? Hex(string id, int length) =>
        id.Length == length && id.All(char.IsAsciiHexDigit) && id.AsSpan().ContainsAnyExcept('0') ? id.ToLowerInvariant() : null;

    private static OtlpFormatException Wrong(string name) => new($"{name} is missing or has the wrong type");
}
