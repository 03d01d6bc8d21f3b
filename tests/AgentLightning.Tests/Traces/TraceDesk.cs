using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Testing;
using AgentLightning.Tests.Storage;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Traces;

/// <summary>The product with a clock of its own, to which requests are sent as by an exporter.</summary>
public sealed class TraceDesk : IAsyncDisposable
{
    public const string Trace = "0af7651916cd43dd8448eb211c80319c";
    public const string Root = "b7ad6b7169203331";
    public const string Child = "00f067aa0ba902b7";
    public static readonly long At = new DateTimeOffset(2026, 3, 4, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private TraceDesk(Product product, FakeTimeProvider time) => (Product, Time) = (product, time);

    public Product Product { get; }

    public FakeTimeProvider Time { get; }

    public ITraceStore Store => Product.Get<ITraceStore>();

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<TraceDesk> OpenAsync(Action<IServiceCollection>? configure = null)
    {
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(At));
        return new TraceDesk(
            await Product.OpenAsync(services =>
            {
                services.AddSingleton<TimeProvider>(time);
                configure?.Invoke(services);
            }),
            time
        );
    }

    public Task<OtlpResult> SendAsync(params byte[][] spans) => SendBodyAsync(OtlpBytes.Request("svc", "scope", spans), SpanForm.Span);

    public Task<OtlpResult> SendLogsAsync(params byte[][] logs) => SendBodyAsync(OtlpBytes.Request("svc", "scope", logs), SpanForm.Log);

    public async Task<OtlpResult> SendBodyAsync(
        byte[] body,
        SpanForm form,
        OtlpEncoding encoding = OtlpEncoding.Protobuf,
        Func<string, bool>? mayWrite = null,
        bool gzip = false
    )
    {
        using var share = Product.Get<ByteBudget>().Open("key", "connection");
        return await Product
            .Get<OtlpReceiver>()
            .ReceiveAsync(new MemoryStream(body), body.Length, gzip, encoding, form, mayWrite, share, Token);
    }

    /// <summary>Lets so much time pass and reads what is due.</summary>
    public async Task ReadAsync(double seconds = 2)
    {
        Time.Advance(TimeSpan.FromSeconds(seconds));
        while (await Product.Get<EpisodeAssembler>().ReadDueAsync(Token) > 0)
        {
            // Until nothing is left.
        }
    }

    public async Task<Episode?> EpisodeAsync(string trace = Trace) => await Product.Get<IEpisodeStore>().FindAsync(trace, Token);

    public async Task<IReadOnlyList<Reward>> RewardsAsync(string trace = Trace) =>
        await Product.Get<IRewardStore>().HistoryAsync(trace, Token);

    public ValueTask DisposeAsync() => Product.DisposeAsync();
}
