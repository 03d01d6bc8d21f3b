using System.Buffers;
using System.Text.Json;

namespace AgentLightning.Server.Gateway;

/// <summary>Takes token ids out of an answer of which the caller did not ask for any, and leaves every other byte as it is.</summary>
internal static class JsonCut
{
    /// <summary>Of the answer itself, and of each of its choices.</summary>
    private const int Outer = 1,
        OfChoice = 3;

    /// <summary>Writes the JSON without them. What cannot be read is written as it is.</summary>
    public static void WithoutTokenIds(ReadOnlySpan<byte> json, IBufferWriter<byte> to)
    {
        var written = 0;
        if (json.IndexOf("token_ids\""u8) >= 0)
        {
            try
            {
                written = Cut(json, to);
            }
            catch (JsonException)
            {
                // The rest is told as it came.
            }
        }

        to.Write(json[written..]);
    }

    private static int Cut(ReadOnlySpan<byte> json, IBufferWriter<byte> to)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        var (written, before, isFirst) = (0, 0, false);
        var cuts = new List<(int From, int To)>();
        while (reader.Read())
        {
            if (
                reader.TokenType == JsonTokenType.PropertyName
                && reader.CurrentDepth is Outer or OfChoice
                && (reader.ValueTextEquals("token_ids"u8) || reader.ValueTextEquals("prompt_token_ids"u8))
            )
            {
                var from = isFirst ? (int)reader.TokenStartIndex : before;
                reader.Read();
                reader.Skip();
                var end = (int)reader.BytesConsumed;
                // The comma before it goes too; before the first there is none, and the one behind it goes.
                cuts.Add((from, isFirst ? BehindComma(json, end) : end));
                before = end;
                continue;
            }

            isFirst = reader.TokenType == JsonTokenType.StartObject;
            before = (int)reader.BytesConsumed;
        }

        foreach (var (from, end) in cuts)
        {
            to.Write(json[written..from]);
            written = end;
        }

        return written;
    }

    private static int BehindComma(ReadOnlySpan<byte> json, int end)
    {
        var at = end;
        while (at < json.Length && json[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            at++;
        }

        return at < json.Length && json[at] == ',' ? at + 1 : end;
    }
}
