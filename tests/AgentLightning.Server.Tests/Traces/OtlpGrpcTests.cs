using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AgentLightning.Access;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using AgentLightning.Traces;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using StatusCode = Grpc.Core.StatusCode;

namespace AgentLightning.Server.Tests.Traces;

/// <summary>OTLP over gRPC, on a port of its own.</summary>
public sealed class OtlpGrpcTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Root = "b7ad6b7169203331";
    private const long At = 1_772_625_600_000;
    private const string TraceService = "opentelemetry.proto.collector.trace.v1.TraceService";
    private const string LogsService = "opentelemetry.proto.collector.logs.v1.LogsService";

    private static readonly Marshaller<byte[]> s_bytes = new(bytes => bytes, bytes => bytes);

    [Fact]
    public async Task The_exporter_of_OpenTelemetry_sends_spans_by_grpc()
    {
        using var folder = new TemporaryFolder();
        var (server, grpc) = await StartAsync(folder);
        await using var _ = server;
        using var source = new ActivitySource("grpc-test");
        string trace;
        using (
            var tracer = Sdk.CreateTracerProviderBuilder()
                .AddSource(source.Name)
                .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService("weather-app"))
                .AddOtlpExporter(exporter => (exporter.Protocol, exporter.Endpoint) = (OtlpExportProtocol.Grpc, grpc))
                .Build()
        )
        {
            Activity.Current = null;
            using (var activity = source.StartActivity("chat gpt-x")!)
            {
                activity.SetTag("gen_ai.operation.name", "chat");
                activity.SetTag("gen_ai.request.model", "gpt-x");
                trace = activity.TraceId.ToHexString();
            }

            Assert.True(tracer.ForceFlush());
        }

        var span = Assert.Single(await Store(server).SpansAsync(trace, 10, Token));
        Assert.Equal(("chat gpt-x", "weather-app"), (span.Name, span.AgentId));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_good_is_stored_and_the_answer_counts_what_is_not(bool gzip)
    {
        using var folder = new TemporaryFolder();
        var (server, grpc) = await StartAsync(folder);
        await using var _ = server;

        Assert.Empty(await ExportAsync(grpc, TraceService, OtlpBytes.Request("svc", "scope", [SpanOf(Trace)]), gzip: gzip));
        var mixed = await ExportAsync(
            grpc,
            TraceService,
            OtlpBytes.Request("svc", "scope", [SpanOf(Trace), SpanOf(new string('0', 32))]),
            gzip: gzip
        );
        await ExportAsync(grpc, LogsService, OtlpBytes.Request("svc", "scope", [OtlpBytes.Log(Trace, Root, "gen_ai.choice", At, "hi")]));

        // partial_success, of which the first field is rejected_spans = 1.
        Assert.Equal([0x0a, (byte)(mixed.Length - 2), 0x08, 0x01, 0x12], mixed[..5]);
        Assert.Equal([SpanForm.Span, SpanForm.Log], (await Store(server).SpansAsync(Trace, 10, Token)).Select(span => span.Form).Order());
    }

    [Fact]
    public async Task Keys_and_their_agents_hold_as_over_http()
    {
        using var folder = new TemporaryFolder();
        var (server, grpc) = await StartAsync(folder);
        await using var _ = server;
        var (ours, theirs, reader) = (
            await server.KeyAsync(Role.Write, "svc"),
            await server.KeyAsync(Role.Write, "other"),
            await server.KeyAsync(Role.Read)
        );
        var request = OtlpBytes.Request("svc", "scope", [SpanOf(Trace)]);

        Assert.Equal(StatusCode.Unauthenticated, (await RefusedAsync(grpc, request, null)).StatusCode);
        Assert.Equal(StatusCode.PermissionDenied, (await RefusedAsync(grpc, request, reader.Text)).StatusCode);
        Assert.NotEmpty(await ExportAsync(grpc, TraceService, request, theirs.Text));
        Assert.Equal(0, await Store(server).CountAsync(Token));
        Assert.Empty(await ExportAsync(grpc, TraceService, request, ours.Text));
        Assert.Equal(1, await Store(server).CountAsync(Token));
    }

    [Fact]
    public async Task What_cannot_be_read_or_is_too_large_is_told_and_not_to_be_sent_again()
    {
        using var folder = new TemporaryFolder();
        var (server, grpc) = await StartAsync(folder, options => options with { MaxBodyBytes = 4_096 });
        await using var _ = server;

        Assert.Equal(StatusCode.InvalidArgument, (await RefusedAsync(grpc, [0x0a, 0x7f, 1])).StatusCode);
        var large = OtlpBytes.Request("svc", "scope", [OtlpBytes.Span(Trace, Root, null, "x", At, 5, [("text", new string('x', 10_000))])]);
        foreach (var gzip in new[] { false, true })
        {
            var refusal = await RefusedAsync(grpc, large, gzip: gzip);
            Assert.Equal(StatusCode.ResourceExhausted, refusal.StatusCode);
            Assert.DoesNotContain(refusal.Trailers, trailer => trailer.Key == "grpc-status-details-bin");
        }

        Assert.Equal(0, await Store(server).CountAsync(Token));
    }

    [Fact]
    public async Task While_the_store_is_away_the_caller_is_told_when_to_come_again()
    {
        using var folder = new TemporaryFolder();
        var (server, grpc) = await StartAsync(folder, options =>
            options with
            {
                Lightning = options.Lightning with { LockWait = TimeSpan.FromSeconds(1) },
            }
        );
        await using var _ = server;
        await using var other = new SqliteConnection($"Data Source={folder.File("lightning.db")};Pooling=False");
        await other.OpenAsync(Token);
        await using var held = other.BeginTransaction(deferred: false);

        var refusal = await RefusedAsync(grpc, OtlpBytes.Request("svc", "scope", [SpanOf(Trace)]));

        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);
        var details = refusal.Trailers.GetValueBytes("grpc-status-details-bin")!;
        Assert.Contains("google.rpc.RetryInfo", System.Text.Encoding.UTF8.GetString(details), StringComparison.Ordinal);
        // retry_delay of one second.
        Assert.Equal([0x0a, 0x02, 0x08, 0x01], details[^4..]);
    }

    [Fact]
    public async Task Without_the_setting_nobody_listens_and_http_does_not_take_calls()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        Assert.Single(server.App.Urls);
        using var answer = await server.PostRawAsync($"/{TraceService}/Export", "", "application/grpc");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Theory]
    [InlineData("http://127.0.0.1:0", "ports of its own")]
    [InlineData("https://127.0.0.1:4317", "without https")]
    [InlineData("http://example.com:4317", "by number")]
    public void Addresses_that_cannot_be_are_told(string urls, string why) =>
        Assert.Contains(why, string.Join('\n', new LightningServerOptions { OtlpGrpcUrls = urls }.Mistakes()), StringComparison.Ordinal);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ITraceStore Store(ServerUnderTest server) => server.App.Services.GetRequiredService<ITraceStore>();

    private static byte[] SpanOf(string trace) => OtlpBytes.Span(trace, Root, null, "chat m", At, 5, [("gen_ai.operation.name", "chat")]);

    private static async Task<(ServerUnderTest Server, Uri Grpc)> StartAsync(
        TemporaryFolder folder,
        Func<LightningServerOptions, LightningServerOptions>? change = null
    )
    {
        var url = $"http://127.0.0.1:{FreePort()}";
        var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"), options =>
            (change ?? (same => same))(options) with
            {
                OtlpGrpcUrls = url,
            }
        );
        return (server, new Uri(url));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<byte[]> ExportAsync(Uri grpc, string service, byte[] request, string? key = null, bool gzip = false)
    {
        using var channel = GrpcChannel.ForAddress(
            grpc,
            new GrpcChannelOptions { CompressionProviders = [new GzipCompressionProvider(System.IO.Compression.CompressionLevel.Fastest)] }
        );
        var headers = new Metadata();
        if (key is not null)
        {
            headers.Add("authorization", $"Bearer {key}");
        }

        if (gzip)
        {
            headers.Add("grpc-internal-encoding-request", "gzip");
        }

        return await channel
            .CreateCallInvoker()
            .AsyncUnaryCall(
                new Method<byte[], byte[]>(MethodType.Unary, service, "Export", s_bytes, s_bytes),
                null,
                new CallOptions(headers, cancellationToken: Token),
                request
            );
    }

    private static Task<RpcException> RefusedAsync(Uri grpc, byte[] request, string? key = null, bool gzip = false) =>
        Assert.ThrowsAsync<RpcException>(() => ExportAsync(grpc, TraceService, request, key, gzip));
}
