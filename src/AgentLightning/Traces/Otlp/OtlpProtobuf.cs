using System.Text;
using static AgentLightning.Traces.Otlp.ProtobufJson;

namespace AgentLightning.Traces.Otlp;

/// <summary>
/// Reads OTLP requests in protobuf, by the field numbers of opentelemetry-proto 1.x. Any field may come in any order, as the format allows.
/// </summary>
internal static class OtlpProtobuf
{
    /// <summary>
    /// Throws <see cref="OtlpFormatException"/> when the body is no such request; a span that is broken in itself is refused alone.
    /// </summary>
    public static void Read(ReadOnlySpan<byte> body, SpanForm form, OtlpBatch batch)
    {
        var request = new WireReader(body);
        while (request.Next())
        {
            if (request.Field == 1)
            {
                ReadResource(request.Bytes(), form, batch);
            }
            else
            {
                request.Skip();
            }
        }
    }

    private static void ReadResource(ReadOnlySpan<byte> message, SpanForm form, OtlpBatch batch)
    {
        var resource = new Sender();
        var fields = new WireReader(message);
        while (fields.Next())
        {
            if (fields.Field == 1)
            {
                var note = new SpanDraft(resource, form);
                resource.ResourceJson = JsonOf(batch, fields.Bytes(), 1, note, resource);
                (resource.Agent, resource.Session, resource.User) = (note.Agent, note.Session, note.User);
            }
            else
            {
                fields.Skip();
            }
        }

        fields = new WireReader(message);
        while (fields.Next())
        {
            if (fields.Field == 2)
            {
                ReadScope(fields.Bytes(), resource.ForScope(), form, batch);
            }
            else
            {
                fields.Skip();
            }
        }
    }

    private static void ReadScope(ReadOnlySpan<byte> message, Sender sender, SpanForm form, OtlpBatch batch)
    {
        var fields = new WireReader(message);
        while (fields.Next())
        {
            if (fields.Field == 1)
            {
                ReadScopeName(fields.Bytes(), sender, batch);
            }
            else
            {
                fields.Skip();
            }
        }

        fields = new WireReader(message);
        while (fields.Next())
        {
            if (fields.Field != 2)
            {
                fields.Skip();
                continue;
            }

            var bytes = fields.Bytes();
            var span = new SpanDraft(sender, form) { BodyStart = batch.Begin() };
            try
            {
                batch.Json.WriteStartObject();
                if (form == SpanForm.Span)
                {
                    ReadSpan(bytes, span, batch.Json);
                }
                else
                {
                    ReadLog(bytes, span, batch.Json);
                }

                batch.Json.WriteEndObject();
                batch.Add(span);
            }
            catch (OtlpFormatException e)
            {
                batch.Refuse(span, $"it cannot be read: {e.Message}");
            }
        }
    }

    private static void ReadScopeName(ReadOnlySpan<byte> message, Sender sender, OtlpBatch batch)
    {
        var start = batch.Begin();
        batch.Json.WriteStartObject();
        var fields = new WireReader(message);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    sender.Scope = Text(fields.Bytes());
                    batch.Json.WriteString("name"u8, sender.Scope);
                    break;
                case 2:
                    batch.Json.WriteString("version"u8, Text(fields.Bytes()));
                    break;
                default:
                    fields.Skip();
                    break;
            }
        }

        WriteAttributes(batch.Json, "attributes"u8, message, 3, null);
        batch.Json.WriteEndObject();
        sender.ScopeJson = Encoding.UTF8.GetString(batch.EndAt(start));
    }

    private static void ReadSpan(ReadOnlySpan<byte> message, SpanDraft span, BodyWriter json)
    {
        var (hasEvents, hasLinks) = (false, false);
        var fields = new WireReader(message);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    span.TraceId = SpanDraft.Hex(fields.Bytes(), 16);
                    break;
                case 2:
                    span.SpanId = SpanDraft.Hex(fields.Bytes(), 8);
                    break;
                case 3:
                    if (fields.Bytes() is { IsEmpty: false } state)
                    {
                        WriteText(json, "trace_state"u8, state);
                    }

                    break;
                case 4:
                    span.ParentId = SpanDraft.Hex(fields.Bytes(), 8);
                    break;
                case 5:
                    span.Name = Text(fields.Bytes());
                    break;
                case 6:
                    span.Kind = (int)Math.Min(fields.Number(), 99);
                    break;
                case 7:
                    span.Start = fields.Fixed64();
                    break;
                case 8:
                    span.End = fields.Fixed64();
                    break;
                case 11:
                    hasEvents = true;
                    fields.Skip();
                    break;
                case 13:
                    hasLinks = true;
                    fields.Skip();
                    break;
                case 15:
                    ReadStatus(fields.Bytes(), span, json);
                    break;
                default:
                    fields.Skip();
                    break;
            }
        }

        SpanBodyJson.WriteKind(json, span.Kind);
        WriteAttributes(json, "attributes"u8, message, 9, span);
        if (hasEvents)
        {
            WriteEach(json, "events"u8, message, 11, span, WriteEvent);
        }

        if (hasLinks)
        {
            WriteEach(json, "links"u8, message, 13, span, WriteLink);
        }
    }

    private static void ReadLog(ReadOnlySpan<byte> message, SpanDraft log, BodyWriter json)
    {
        ulong observed = 0;
        var fields = new WireReader(message);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    log.Start = fields.Fixed64();
                    break;
                case 5:
                    json.WritePropertyName("body"u8);
                    WriteValue(json, fields.Bytes(), 0, out _);
                    break;
                case 9:
                    log.TraceId = SpanDraft.Hex(fields.Bytes(), 16);
                    break;
                case 10:
                    log.SpanId = SpanDraft.Hex(fields.Bytes(), 8);
                    break;
                case 11:
                    observed = fields.Fixed64();
                    break;
                case 12:
                    log.Name = Text(fields.Bytes());
                    break;
                default:
                    fields.Skip();
                    break;
            }
        }

        WriteAttributes(json, "attributes"u8, message, 6, log);
        (log.Start, log.ParentId) = (log.Start == 0 ? observed : log.Start, log.SpanId);
        log.End = log.Start;
        log.Marks |= KnownAttributes.MarksOfEvent(log.Name);
    }

    private static void ReadStatus(ReadOnlySpan<byte> message, SpanDraft span, BodyWriter json)
    {
        var fields = new WireReader(message);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 2:
                    WriteText(json, "status_message"u8, fields.Bytes());
                    break;
                case 3:
                    span.Status = fields.Number();
                    break;
                default:
                    fields.Skip();
                    break;
            }
        }
    }

    private static void WriteEvent(ReadOnlySpan<byte> message, SpanDraft span, BodyWriter json)
    {
        var fields = new WireReader(message);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    SpanBodyJson.WriteOffset(json, fields.Fixed64(), span.Start);
                    break;
                case 2:
                    var name = Text(fields.Bytes());
                    span.Marks |= KnownAttributes.MarksOfEvent(name);
                    json.WriteString("name"u8, name);
                    break;
                default:
                    fields.Skip();
                    break;
            }
        }

        WriteAttributes(json, "attributes"u8, message, 3, null);
    }

    private static void WriteLink(ReadOnlySpan<byte> message, SpanDraft span, BodyWriter json)
    {
        var fields = new WireReader(message);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    json.WriteString("trace_id"u8, Convert.ToHexStringLower(fields.Bytes()));
                    break;
                case 2:
                    json.WriteString("span_id"u8, Convert.ToHexStringLower(fields.Bytes()));
                    break;
                case 3:
                    WriteText(json, "trace_state"u8, fields.Bytes());
                    break;
                default:
                    fields.Skip();
                    break;
            }
        }

        WriteAttributes(json, "attributes"u8, message, 4, null);
    }
}
