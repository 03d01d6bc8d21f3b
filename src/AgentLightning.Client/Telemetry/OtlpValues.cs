using System.Globalization;
using System.Text.Json;

namespace AgentLightning.Client.Telemetry;

/// <summary>Attributes in the JSON of OTLP.</summary>
internal static class OtlpValues
{
    /// <summary>Lists in lists that are deeper than this are written as text: one may hold itself.</summary>
    public const int Deepest = 8;

    public static void WriteAttributes(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, object?>> attributes)
    {
        writer.WriteStartArray("attributes");
        foreach (var (name, value) in attributes)
        {
            WriteAttribute(writer, name, value);
        }

        writer.WriteEndArray();
    }

    public static void WriteAttribute(Utf8JsonWriter writer, string name, object? value)
    {
        writer.WriteStartObject();
        writer.WriteString("key", name);
        writer.WritePropertyName("value");
        WriteValue(writer, value, 0);
        writer.WriteEndObject();
    }

    /// <summary>What a value that OTLP has no kind for is written as.</summary>
    public static string? TextOf(object value) => Convert.ToString(value, CultureInfo.InvariantCulture);

    private static void WriteValue(Utf8JsonWriter writer, object? value, int depth)
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
            case byte[] bytes:
                writer.WriteBase64String("bytesValue", bytes);
                break;
            case System.Collections.IEnumerable list when depth < Deepest:
                writer.WriteStartObject("arrayValue");
                writer.WriteStartArray("values");
                foreach (var item in list)
                {
                    WriteValue(writer, item, depth + 1);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
                break;
            default:
                writer.WriteString("stringValue", TextOf(value));
                break;
        }

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
}
