using System.Text;
using System.Text.Json;
using AgentLightning.Traces.Otlp;
using CsCheck;

namespace AgentLightning.Tests.Traces;

public sealed class BodyWriterTests
{
    [Fact]
    public void What_is_written_is_json_that_says_the_same() =>
        Gen.Select(Gen.String.Array[0, 5], Gen.Long, Gen.Double, Gen.Bool)
            .Sample(
                (texts, whole, number, flag) =>
                {
                    using var writer = new BodyWriter(0);
                    writer.WriteStartObject();
                    writer.WriteStartArray("texts"u8);
                    foreach (var text in texts)
                    {
                        writer.WriteStringValue(text);
                    }

                    writer.WriteEndArray();
                    writer.WriteNumber("whole"u8, whole);
                    writer.WritePropertyName("number");
                    SpanBodyJson.WriteNumber(writer, number);
                    writer.WritePropertyName("flag"u8);
                    writer.WriteBooleanValue(flag);
                    writer.WriteStartObject("empty"u8);
                    writer.WriteEndObject();
                    writer.WritePropertyName("none"u8);
                    writer.WriteNullValue();
                    writer.WriteEndObject();

                    using var read = JsonDocument.Parse(writer.Written.ToArray());
                    var root = read.RootElement;
                    return root.GetProperty("texts").EnumerateArray().Select(text => text.GetString()).SequenceEqual(texts.Select(Kept))
                        && root.GetProperty("whole").GetInt64() == whole
                        && (
                            double.IsFinite(number)
                                ? root.GetProperty("number").GetDouble() == number
                                : root.GetProperty("number").ValueKind == JsonValueKind.String
                        )
                        && root.GetProperty("flag").GetBoolean() == flag
                        && root.GetProperty("none").ValueKind == JsonValueKind.Null;
                },
                iter: 2_000
            );

    [Fact]
    public void All_control_characters_and_signs_of_json_come_back()
    {
        var text = string.Concat(Enumerable.Range(1, 0x2ff).Select(i => (char)i)) + "\u2028\ud83d\ude42";
        using var writer = new BodyWriter(0);
        writer.WriteStringValue(text);

        Assert.Equal(text, JsonSerializer.Deserialize<string>(writer.Written));
    }

    /// <summary>U+0000 has no place in a store, and half a surrogate pair none in UTF-8.</summary>
    private static string Kept(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '\ufffd');
}
