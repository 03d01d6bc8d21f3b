using System.Buffers;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Server.Access;
using AgentLightning.Server.Limits;
using AgentLightning.Traces;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace AgentLightning.Server.Traces;

/// <summary>
/// OTLP over gRPC. The messages are read by the same reader as those over HTTP, from the bytes as they came, and the keys, scopes and
/// limits are those of HTTP: a call is a POST like any other.
/// </summary>
internal static class OtlpGrpc
{
    /// <summary>Lets the server take calls, up to the size that HTTP takes.</summary>
    public static void AddOtlpGrpc(this IServiceCollection services, LightningServerOptions options)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = (int)Math.Min(options.MaxBodyBytes, options.Lightning.Traces.LargestBody);
            // What is not ours is answered as any other path that there is not.
            grpc.IgnoreUnknownServices = true;
        });
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<OtlpGrpcService>, OtlpGrpcMethods>());
    }

    public static void MapOtlpGrpc(this IEndpointRouteBuilder routes) =>
        routes.MapGrpcService<OtlpGrpcService>().RequiresRole(Role.Write).WithMetadata(new ExcludedFromDescription());

    private sealed class ExcludedFromDescription : IExcludeFromDescriptionMetadata
    {
        public bool ExcludeFromDescription => true;
    }
}

/// <summary>Names the two methods, without code that is made of .proto files.</summary>
internal sealed class OtlpGrpcMethods : IServiceMethodProvider<OtlpGrpcService>
{
    private static readonly Marshaller<OtlpMessage> s_request = new((_, _) => throw new NotSupportedException(), OtlpMessage.Of);

    private static readonly Marshaller<byte[]> s_response = new(
        (body, context) =>
        {
            context.SetPayloadLength(body.Length);
            context.GetBufferWriter().Write(body);
            context.Complete();
        },
        _ => throw new NotSupportedException()
    );

    /// <summary>Shows who enforces access that the handler takes a scope.</summary>
    private static readonly object[] s_handler = [typeof(OtlpGrpcService).GetMethod(nameof(OtlpGrpcService.ExportAsync))!];

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<OtlpGrpcService> context)
    {
        Add(context, "opentelemetry.proto.collector.trace.v1.TraceService", SpanForm.Span);
        Add(context, "opentelemetry.proto.collector.logs.v1.LogsService", SpanForm.Log);
    }

    /// <summary>
    /// Of one message, as the calls of exporters are; a method that reads its messages itself tells what is wrong while one arrives.
    /// </summary>
    private static void Add(ServiceMethodProviderContext<OtlpGrpcService> context, string service, SpanForm form) =>
        context.AddClientStreamingMethod(
            new Method<OtlpMessage, byte[]>(MethodType.ClientStreaming, service, "Export", s_request, s_response),
            s_handler,
            (handler, messages, call) =>
                handler.ExportAsync(form, messages, call, call.GetHttpContext().RequestServices.GetRequiredService<Scope>())
        );
}

/// <summary>One request as it came, in a buffer of the pool.</summary>
internal sealed class OtlpMessage : IDisposable
{
    private readonly byte[] _buffer;
    private readonly int _length;

    private OtlpMessage(ReadOnlySequence<byte> payload)
    {
        _length = (int)payload.Length;
        _buffer = ArrayPool<byte>.Shared.Rent(_length);
        payload.CopyTo(_buffer);
    }

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    public static OtlpMessage Of(DeserializationContext context) => new(context.PayloadAsReadOnlySequence());

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);
}

/// <summary>Takes what one call brings.</summary>
internal sealed class OtlpGrpcService(ReceiveTelemetry telemetry)
{
    /// <param name="scope">Of whose agents the sender may write spans; the others are refused and counted in the answer.</param>
    public async Task<byte[]> ExportAsync(SpanForm form, IAsyncStreamReader<OtlpMessage> messages, ServerCallContext call, Scope scope)
    {
        try
        {
            if (!await messages.MoveNext(call.CancellationToken))
            {
                throw new RpcException(new Status(StatusCode.InvalidArgument, "The call holds no request."));
            }

            using var message = messages.Current;
            // What came was charged as it came; this is what lies in memory after inflation.
            if (!await BodyBudget.ShareOf(call.GetHttpContext()).TryTakeAsync(message.Bytes.Length, call.CancellationToken))
            {
                throw GrpcRetry.Later("Requests fill the memory that is set aside for them. Send the request again.");
            }

            var result = await telemetry.ExecuteAsync(scope, message.Bytes, form, call.CancellationToken);
            return result.Outcome switch
            {
                OtlpOutcome.Stored => OtlpAnswer.Partial(result.Rejected, result.Message),
                OtlpOutcome.TooLarge => throw new RpcException(new Status(StatusCode.ResourceExhausted, result.Message!)),
                OtlpOutcome.Busy => throw GrpcRetry.Later(result.Message!),
                _ => throw new RpcException(new Status(StatusCode.InvalidArgument, result.Message!)),
            };
        }
        catch (LightningException e) when (e.Kind == ErrorKind.Unavailable)
        {
            throw GrpcRetry.Later(e.Message);
        }
    }
}
