using Grpc.Core;

namespace AgentLightning.Server.Traces;

/// <summary>Tells a caller by gRPC to come again, and when.</summary>
internal static class GrpcRetry
{
    private const ulong Seconds = 1;

    /// <summary>UNAVAILABLE, with <c>google.rpc.RetryInfo</c> in the trailer where exporters look for it.</summary>
    public static RpcException Later(string message)
    {
        var duration = new ProtobufBytes().Number(1, Seconds).ToArray();
        var retry = new ProtobufBytes().Message(1, duration).ToArray();
        var any = new ProtobufBytes().Text(1, "type.googleapis.com/google.rpc.RetryInfo").Message(2, retry).ToArray();
        var status = new ProtobufBytes().Number(1, (ulong)StatusCode.Unavailable).Text(2, message).Message(3, any).ToArray();
        return new RpcException(new Status(StatusCode.Unavailable, message), new Metadata { { "grpc-status-details-bin", status } });
    }
}
