using System.Text;
using System.Text.Unicode;

namespace AgentLightning.Traces.Otlp;

/// <summary>Writes parts of a protobuf message as JSON: attributes, values of any kind, lists of messages.</summary>
internal static class ProtobufJson
{
    private const int LongestName = 256;

    public delegate void Writer(ReadOnlySpan<byte> message, SpanDraft span, BodyWriter json);

    public static void WriteEach(
        BodyWriter json,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> message,
        int field,
        SpanDraft span,
        Writer write
    )
    {
        json.WriteStartArray(name);
        var fields = new WireReader(message);
        while (fields.Next())
        {
            if (fields.Field == field)
            {
                json.WriteStartObject();
                write(fields.Bytes(), span, json);
                json.WriteEndObject();
            }
            else
            {
                fields.Skip();
            }
        }

        json.WriteEndArray();
    }

    public static string JsonOf(OtlpBatch batch, ReadOnlySpan<byte> message, int field, SpanDraft note, Sender sender)
    {
        var start = batch.Begin();
        batch.Json.WriteStartObject();
        WriteMembers(batch.Json, message, field, note, sender, 0);
        batch.Json.WriteEndObject();
        return Encoding.UTF8.GetString(batch.EndAt(start));
    }

    public static void WriteAttributes(BodyWriter json, ReadOnlySpan<byte> name, ReadOnlySpan<byte> message, int field, SpanDraft? span)
    {
        json.WriteStartObject(name);
        WriteMembers(json, message, field, span, null, 0);
        json.WriteEndObject();
    }

    public static void WriteMembers(BodyWriter json, ReadOnlySpan<byte> message, int field, SpanDraft? span, Sender? resource, int depth)
    {
        var fields = new WireReader(message);
        while (fields.Next())
        {
            if (fields.Field == field)
            {
                WriteMember(json, fields.Bytes(), span, resource, depth);
            }
            else
            {
                fields.Skip();
            }
        }
    }

    private static void WriteMember(BodyWriter json, ReadOnlySpan<byte> pair, SpanDraft? span, Sender? resource, int depth)
    {
        ReadOnlySpan<byte> key = default,
            value = default;
        var fields = new WireReader(pair);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    key = fields.Bytes();
                    break;
                case 2:
                    value = fields.Bytes();
                    break;
                default:
                    fields.Skip();
                    break;
            }
        }

        var known = KnownAttribute.None;
        if (span is not null && key.Length <= LongestName)
        {
            Span<char> name = stackalloc char[LongestName];
            name = name[..Encoding.UTF8.GetChars(key, name)];
            known = KnownAttributes.Of(name);
            span.Marks |= resource is null ? KnownAttributes.MarksOf(name) : SpanMarks.None;
        }

        if (Utf8.IsValid(key))
        {
            json.WritePropertyName(key);
        }
        else
        {
            json.WritePropertyName(Text(key));
        }

        WriteValue(json, value, depth, out var text, wanted: known != KnownAttribute.None);
        if (text is not null)
        {
            SpanBodyJson.Note(span!, resource, known, text);
        }
    }

    public static void WriteValue(BodyWriter json, ReadOnlySpan<byte> message, int depth, out string? text, bool wanted = false)
    {
        text = null;
        if (depth >= OtlpBatch.DeepestValue)
        {
            throw new OtlpFormatException($"values are nested deeper than {OtlpBatch.DeepestValue}");
        }

        // Of a oneof that came several times, the last holds; one of its fields at least is written, so that the JSON stays JSON.
        var last = 0;
        var fields = new WireReader(message);
        var value = fields;
        while (fields.Next())
        {
            if (fields.Field is >= 1 and <= 7)
            {
                last = fields.Field;
                value = fields;
            }

            fields.Skip();
        }

        switch (last)
        {
            case 1:
                var bytes = value.Bytes();
                text = wanted ? Text(bytes) : null;
                WriteText(json, bytes);
                break;
            case 2:
                json.WriteBooleanValue(value.Number() != 0);
                break;
            case 3:
                var number = (long)value.Number();
                text = wanted ? SpanDraft.Text(number) : null;
                json.WriteNumberValue(number);
                break;
            case 4:
                SpanBodyJson.WriteNumber(json, BitConverter.UInt64BitsToDouble(value.Fixed64()));
                break;
            case 5:
                WriteArray(json, value.Bytes(), depth + 1);
                break;
            case 6:
                json.WriteStartObject();
                WriteMembers(json, value.Bytes(), 1, null, null, depth + 1);
                json.WriteEndObject();
                break;
            case 7:
                SpanBodyJson.WriteBytes(json, value.Bytes());
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }

    private static void WriteArray(BodyWriter json, ReadOnlySpan<byte> message, int depth)
    {
        json.WriteStartArray();
        var fields = new WireReader(message);
        while (fields.Next())
        {
            if (fields.Field == 1)
            {
                WriteValue(json, fields.Bytes(), depth, out _);
            }
            else
            {
                fields.Skip();
            }
        }

        json.WriteEndArray();
    }

    public static void WriteText(BodyWriter json, ReadOnlySpan<byte> name, ReadOnlySpan<byte> text)
    {
        json.WritePropertyName(name);
        WriteText(json, text);
    }

    private static void WriteText(BodyWriter json, ReadOnlySpan<byte> text)
    {
        if (Utf8.IsValid(text))
        {
            json.WriteStringValue(text);
        }
        else
        {
            // A text that was cut in the middle of a character is no reason to lose the rest.
            json.WriteStringValue(Text(text));
        }
    }

    public static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}
