using System.Text;
using System.Text.Unicode;

namespace AgentLightning.Traces.Otlp;

/// <summary>The parts of a span's JSON that are written alike from both encodings.</summary>
internal static class SpanBodyJson
{
    private static readonly string[] s_kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];

    public static void WriteKind(BodyWriter json, int kind)
    {
        if (kind > 0 && kind < s_kinds.Length)
        {
            json.WriteString("kind"u8, s_kinds[kind]);
        }
    }

    /// <summary>The time of an event, in nanoseconds since the start of its span; negative where the clocks differ.</summary>
    public static void WriteOffset(BodyWriter json, ulong time, ulong start) =>
        json.WriteNumber("offset_ns"u8, SpanDraft.Nanos(time) == 0 ? 0 : SpanDraft.Nanos(time) - SpanDraft.Nanos(start));

    /// <summary>JSON has no word for what is not a number.</summary>
    public static void WriteNumber(BodyWriter json, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteStringValue(
                double.IsNaN(value) ? "NaN"
                : value > 0 ? "Infinity"
                : "-Infinity"
            );
        }
    }

    /// <summary>Bytes as hexadecimal digits; those that are a text, as the text, so that what must not be stored is found in it.</summary>
    public static void WriteBytes(BodyWriter json, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes) && !bytes.ContainsAnyInRange((byte)0, (byte)8))
        {
            json.WriteStringValue(bytes);
        }
        else
        {
            json.WriteStringValue(Convert.ToHexStringLower(bytes));
        }
    }

    public static void Note(SpanDraft span, Sender? resource, KnownAttribute known, string text)
    {
        if (resource is null)
        {
            span.Note(known, text);
        }
        else if (known == KnownAttribute.ServiceName)
        {
            resource.Service = text;
        }
        else if (known is KnownAttribute.LightningAgent or KnownAttribute.Session or KnownAttribute.User)
        {
            span.Note(known, text);
        }
    }
}
