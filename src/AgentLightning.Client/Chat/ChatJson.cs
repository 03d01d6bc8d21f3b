using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Chat;

/// <summary>Writes arguments, results and messages of several parts as texts.</summary>
internal static class ChatJson
{
    /// <summary>How values of the application are written: as the libraries for chat clients do, on one line.</summary>
    public static readonly JsonSerializerOptions Options = OneLine();

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The arguments of a call as JSON.</summary>
    public static string Arguments(object? pairs) =>
        Write(writer =>
        {
            writer.WriteStartObject();
            foreach (var (name, value) in pairs as KeyValuePair<string, object?>[] ?? [])
            {
                writer.WritePropertyName(name);
                Value(writer, value);
            }

            writer.WriteEndObject();
        });

    /// <summary>The result of a call: its text, or JSON.</summary>
    public static string? Result(object? value) =>
        value switch
        {
            null => null,
            string text => text,
            RawJson json => json.Text,
            JsonElement { ValueKind: JsonValueKind.String } element => element.GetString(),
            JsonElement element => element.GetRawText(),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString(),
        };

    /// <summary>A message that is more than text: a list of its parts. Data are told by their length and not kept.</summary>
    public static string Parts(IEnumerable<ChatPart> parts) =>
        Write(writer =>
        {
            writer.WriteStartArray();
            foreach (var part in parts)
            {
                writer.WriteStartObject();
                writer.WriteString("type", part.Kind == ChatPartKind.Other ? part.Text : part.Kind.ToString().ToLowerInvariant());
                switch (part.Kind)
                {
                    case ChatPartKind.Data:
                        writer.WriteString("media_type", part.Text);
                        writer.WriteNumber("bytes", (int)part.Value!);
                        break;
                    case ChatPartKind.Uri:
                        writer.WriteString("uri", part.Text);
                        writer.WriteString("media_type", (string?)part.Value);
                        break;
                    case ChatPartKind.Other:
                        break;
                    default:
                        writer.WriteString("text", part.Text);
                        break;
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });

    private static void Value(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case string text:
                writer.WriteStringValue(text);
                break;
            case JsonElement element:
                element.WriteTo(writer);
                break;
            case RawJson json:
                writer.WriteRawValue(json.Text, skipInputValidation: true);
                break;
            case double.NaN
            or double.PositiveInfinity
            or double.NegativeInfinity
            or float.NaN
            or float.PositiveInfinity
            or float.NegativeInfinity:
                writer.WriteStringValue(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                break;
            default:
                JsonSerializer.Serialize(writer, value, Options);
                break;
        }
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, s_options))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static JsonSerializerOptions OneLine()
    {
        var options = new JsonSerializerOptions(AIJsonUtilities.DefaultOptions) { WriteIndented = false };
        options.MakeReadOnly();
        return options;
    }
}
