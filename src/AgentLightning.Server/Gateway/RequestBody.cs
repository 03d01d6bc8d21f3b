using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace AgentLightning.Server.Gateway;

/// <summary>
/// The body of a call as an upstream gets it: the bytes as they came, with its own name for the model, and with what is asked for capture.
/// </summary>
internal sealed class RequestBody : HttpContent
{
    private static readonly MediaTypeHeaderValue s_json = new("application/json");
    private readonly ReadOnlyMemory<byte> _first,
        _second,
        _third;

    private readonly ReadOnlyMemory<byte> _added,
        _model;

    private RequestBody(ModelRequest request, ReadOnlyMemory<byte> added, ReadOnlyMemory<byte> model)
    {
        var (start, length) = request.ModelAt;
        _first = request.Body[..request.Beginning];
        _added = added;
        _second = request.Body[request.Beginning..start];
        _model = model;
        _third = request.Body[(start + length)..];
        Headers.ContentType = s_json;
        Headers.ContentLength = _first.Length + _added.Length + _second.Length + _model.Length + _third.Length;
    }

    /// <param name="model">The upstream's name for it.</param>
    /// <param name="tokenIds">Whether token ids are asked for.</param>
    /// <param name="usage">Whether the usage of a stream is.</param>
    public static RequestBody Of(ModelRequest request, string model, bool tokenIds, bool usage)
    {
        var (start, length) = request.ModelAt;
        return new RequestBody(
            request,
            (tokenIds, usage) switch
            {
                (true, true) => "\"return_token_ids\":true,\"stream_options\":{\"include_usage\":true},"u8.ToArray(),
                (true, false) => "\"return_token_ids\":true,"u8.ToArray(),
                (false, true) => "\"stream_options\":{\"include_usage\":true},"u8.ToArray(),
                _ => default,
            },
            model == request.Model
                ? request.Body.Slice(start, length)
                : (byte[])[(byte)'"', .. JsonEncodedText.Encode(model).EncodedUtf8Bytes, (byte)'"']
        );
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(_first, cancellationToken).ConfigureAwait(false);
        await stream.WriteAsync(_added, cancellationToken).ConfigureAwait(false);
        await stream.WriteAsync(_second, cancellationToken).ConfigureAwait(false);
        await stream.WriteAsync(_model, cancellationToken).ConfigureAwait(false);
        await stream.WriteAsync(_third, cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = Headers.ContentLength!.Value;
        return true;
    }
}
