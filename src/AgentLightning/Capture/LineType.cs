using System.Buffers;
using System.Text.Json;

namespace AgentLightning.Capture;

/// <summary>Looks for the kind of a line without reading the rest of it.</summary>
internal static class LineType
{
    /// <summary>
    /// The text of the property <c>type</c> of an object, or null. JSON that cannot be read up to it throws <see cref="JsonException"/>.
    /// </summary>
    public static string? Read(in ReadOnlySequence<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            reader.Read();
            if (isType)
            {
                return reader.TokenType == JsonTokenType.String ? Text(ref reader) : null;
            }

            reader.Skip();
        }

        return null;
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // Half a surrogate pair: JSON by its grammar, but no text.
            throw new JsonException(e.Message, e);
        }
    }
}
