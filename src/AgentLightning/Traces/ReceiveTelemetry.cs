using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Traces;

/// <summary>What the head of an OTLP request says of its body.</summary>
/// <param name="Length">Bytes of the body where that is known.</param>
public sealed record OtlpRequest(OtlpEncoding Encoding, SpanForm Form, bool Gzip, long? Length);

/// <summary>Takes in spans and log records, whatever the transport.</summary>
public sealed class ReceiveTelemetry(OtlpReceiver receiver) : IOperation
{
    /// <summary>
    /// Reads one request to its end and completes when what is good of it is on disk; role write. Spans of agents that the scope is not for
    /// are refused and counted in the result, and the others stored.
    /// </summary>
    /// <param name="share">What is inflated is charged to it, and stays so until it is disposed.</param>
    public Task<OtlpResult> ExecuteAsync(
        Scope scope,
        OtlpRequest request,
        Stream body,
        ByteShare share,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        return receiver.ReceiveAsync(
            body,
            request.Length,
            request.Gzip,
            request.Encoding,
            request.Form,
            MayWrite(scope),
            share,
            cancellationToken
        );
    }

    /// <summary>The same for a request in protobuf that lies whole in memory, and for which there is room.</summary>
    public Task<OtlpResult> ExecuteAsync(Scope scope, ReadOnlyMemory<byte> body, SpanForm form, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        return receiver.ReceiveAsync(body, OtlpEncoding.Protobuf, form, MayWrite(scope), cancellationToken);
    }

    private static Func<string, bool>? MayWrite(Scope scope) => scope.Agents is null ? null : scope.Allows;
}
