using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AgentLightning.Common;

/// <summary>
/// The one JSON dialect of files, wire and command line: snake_case names, enums as snake_case words, times in UTC with <c>Z</c>.
/// </summary>
public static class LightningJson
{
    public static JsonSerializerOptions Options { get; } = Create(indented: false);

    public static JsonSerializerOptions Indented { get; } = Create(indented: true);

    /// <summary>Gives another component's options the same dialect.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DictionaryKeyPolicy = null;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false));
        options.Converters.Add(new UtcTimeConverter());
    }

    /// <summary>Where JSON is not what was expected, and why where that is known; for people, and nothing of what it holds.</summary>
    /// <param name="withLine">Also in which line, for a text of several.</param>
    public static string Describe(JsonException exception, bool withLine = false) =>
        exception.Path is null
            ? "it cannot be read as JSON."
            : $"at {exception.Path}{(withLine ? $", line {exception.LineNumber + 1}" : "")}"
                + (exception.InnerException is LightningException why ? $": {why.Message}" : ".");

    private static JsonSerializerOptions Create(bool indented)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.General)
        {
            WriteIndented = indented,
            PropertyNameCaseInsensitive = true,
        };
        Apply(options);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    private sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            // With a Z there is nothing that the zone of this machine could change, and no text is made.
            if (
                reader.TokenType == JsonTokenType.String
                && !reader.HasValueSequence
                && reader.ValueSpan is [.., (byte)'Z']
                && reader.TryGetDateTimeOffset(out var time)
            )
            {
                return time;
            }

            return reader.TokenType == JsonTokenType.String && IsoTime.TryParse(reader.GetString(), out time)
                ? time
                : throw new JsonException(IsoTime.Expected, LightningException.Invalid(IsoTime.Expected));
        }

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime);
    }
}
