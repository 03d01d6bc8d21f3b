using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Server.Gateway;

/// <summary>
/// The body of a call as it came, and the few parts that the gateway must know. It is not read into objects, so that what the gateway does
/// not know reaches the upstream as it was written.
/// </summary>
internal sealed class ModelRequest : IDisposable
{
    private const int MaxDepth = 256;
    private byte[] _bytes;
    private int _length;

    private ModelRequest(int capacity) => _bytes = LentBytes.Rent(Math.Max(capacity, 256));

    public ReadOnlyMemory<byte> Body => _bytes.AsMemory(0, _length);

    public string Model { get; private set; } = "";

    /// <summary>Where the name of the model stands, with its quotes.</summary>
    public (int Start, int Length) ModelAt { get; private set; }

    /// <summary>Behind the brace with which the body begins.</summary>
    public int Beginning { get; private set; }

    public bool Stream { get; private set; }

    public bool HasStreamOptions { get; private set; }

    public bool AsksForTokenIds { get; private set; }

    /// <summary>Answers that are asked for.</summary>
    public int Choices { get; private set; } = 1;

    public string? SessionId { get; private set; }

    public string? UserId { get; private set; }

    /// <summary>Reads the whole body. One that is no JSON object with a model is refused.</summary>
    public static async ValueTask<ModelRequest> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var read = new ModelRequest((int)Math.Min(request.ContentLength + 1 ?? 4096, 1024 * 1024));
        try
        {
            while (true)
            {
                if (read._length == read._bytes.Length)
                {
                    read.Grow();
                }

                var count = await request.Body.ReadAsync(read._bytes.AsMemory(read._length), cancellationToken);
                if (count == 0)
                {
                    break;
                }

                read._length += count;
            }

            read.Parse();
            return read;
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        var bytes = _bytes;
        (_bytes, _length) = ([], 0);
        if (bytes.Length > 0)
        {
            LentBytes.Return(bytes);
        }
    }

    private void Grow()
    {
        var larger = LentBytes.Rent(_bytes.Length * 2);
        _bytes.AsSpan(0, _length).CopyTo(larger);
        LentBytes.Return(_bytes);
        _bytes = larger;
    }

    private void Parse()
    {
        var reader = new Utf8JsonReader(Body.Span, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw GatewayException.Invalid("The body must be a JSON object, such as {\"model\":\"…\",\"messages\":[…]}.");
            }

            Beginning = (int)reader.BytesConsumed;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                ReadProperty(ref reader);
            }

            // What stands behind the object is a mistake too.
            reader.Read();
        }
        catch (JsonException e)
        {
            throw GatewayException.Invalid(
                $"The body cannot be read as JSON (line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1})."
            );
        }
        catch (InvalidOperationException)
        {
            throw GatewayException.Invalid("The body holds a text that is none: half a surrogate pair, or no UTF-8.");
        }

        if (Model.Length is 0 or > 500)
        {
            throw GatewayException.Invalid(
                $"model is required: the name of a model in 1 to 500 characters, or agent:ID, but it has {Model.Length}.",
                "model"
            );
        }
    }

    private void ReadProperty(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("model"u8))
        {
            if (Model.Length > 0)
            {
                // Of two the gateway could take one, and the upstream the other.
                throw GatewayException.Invalid("model stands twice in the body. Name one.", "model");
            }

            reader.Read();
            Model = TextOf(ref reader) ?? "";
            ModelAt = ((int)reader.TokenStartIndex, (int)(reader.BytesConsumed - reader.TokenStartIndex));
        }
        else if (reader.ValueTextEquals("stream"u8))
        {
            reader.Read();
            Stream = reader.TokenType == JsonTokenType.True;
        }
        else if (reader.ValueTextEquals("stream_options"u8))
        {
            reader.Read();
            HasStreamOptions = true;
        }
        else if (reader.ValueTextEquals("return_token_ids"u8))
        {
            reader.Read();
            AsksForTokenIds = true;
        }
        else if (reader.ValueTextEquals("n"u8))
        {
            reader.Read();
            Choices = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var n) && n > 0 ? n : 1;
        }
        else if (reader.ValueTextEquals("user"u8))
        {
            reader.Read();
            UserId = TextOf(ref reader);
        }
        else if (reader.ValueTextEquals("metadata"u8))
        {
            reader.Read();
            ReadMetadata(ref reader);
            return;
        }
        else
        {
            reader.Read();
        }

        reader.Skip();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isSession = reader.ValueTextEquals("session_id"u8);
            reader.Read();
            SessionId = isSession ? TextOf(ref reader) : SessionId;
            reader.Skip();
        }
    }

    private static string? TextOf(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
}
