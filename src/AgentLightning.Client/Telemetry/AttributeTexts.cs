using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentLightning.Client.Telemetry;

/// <summary>
/// Attributes as one text of JSON, and back: names and values are redacted together, because the name tells that the value of
/// <c>api_key</c> is secret. A value in which nothing was found keeps its type.
/// </summary>
internal sealed class AttributeTexts
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly IReadOnlyList<KeyValuePair<string, object?>> _attributes;

    private AttributeTexts(IReadOnlyList<KeyValuePair<string, object?>> attributes, string? json) =>
        (_attributes, Json) = (attributes, json);

    /// <summary>An object with a property for each attribute, in their order; null when there are none.</summary>
    public string? Json { get; }

    /// <summary>Of two attributes with one name the last counts.</summary>
    public static AttributeTexts Of(IEnumerable<KeyValuePair<string, object?>> attributes)
    {
        var all = new OrderedDictionary<string, object?>();
        foreach (var (name, value) in attributes)
        {
            all[name] = value;
        }

        if (all.Count == 0)
        {
            return new AttributeTexts([], null);
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = Common.LightningJson.Options.Encoder }))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in all)
            {
                writer.WritePropertyName(name);
                Write(writer, value, 0);
            }

            writer.WriteEndObject();
        }

        return new AttributeTexts([.. all], Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>The attributes with what the redacted text says in place of what is gone.</summary>
    /// <param name="redacted"><see cref="Json"/> itself, where nothing was found.</param>
    public IReadOnlyList<KeyValuePair<string, object?>> Read(string? redacted)
    {
        if (redacted is null || ReferenceEquals(redacted, Json))
        {
            return _attributes;
        }

        // Redaction changes names and values, and leaves their order as it is.
        using var document = JsonDocument.Parse(redacted);
        return
        [
            .. _attributes.Zip(document.RootElement.EnumerateObject(), (attribute, property) =>
                KeyValuePair.Create(property.Name, Read(attribute.Value, property.Value, 0))
            ),
        ];
    }

    private static void Write(Utf8JsonWriter writer, object? value, int depth)
    {
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case float or double when Convert.ToDouble(value, CultureInfo.InvariantCulture) is var number && double.IsFinite(number):
                writer.WriteNumberValue(number);
                break;
            case float or double:
                writer.WriteNullValue();
                break;
            case byte[] bytes:
                writer.WriteStringValue(TextOf(bytes));
                break;
            case System.Collections.IEnumerable list when depth < OtlpValues.Deepest:
                writer.WriteStartArray();
                foreach (var item in list)
                {
                    Write(writer, item, depth + 1);
                }

                writer.WriteEndArray();
                break;
            default:
                writer.WriteStringValue(OtlpValues.TextOf(value));
                break;
        }
    }

    /// <summary>What bytes say, where they are text; nothing else can be looked through.</summary>
    private static string TextOf(byte[] bytes)
    {
        try
        {
            return s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return "";
        }
    }

    private static object? Read(object? value, JsonElement redacted, int depth) =>
        value switch
        {
            null => null,
            string => redacted.GetString(),
            byte[] bytes => redacted.GetString() is { } text && text == TextOf(bytes) ? bytes : redacted.GetString(),
            System.Collections.IEnumerable list when depth < OtlpValues.Deepest => list.Cast<object?>()
                .Zip(redacted.EnumerateArray(), (item, element) => Read(item, element, depth + 1))
                .ToArray(),
            // A number or a flag whose place a text has taken, and what is no kind of OTLP.
            _ => redacted.ValueKind == JsonValueKind.String ? redacted.GetString() : value,
        };
}
