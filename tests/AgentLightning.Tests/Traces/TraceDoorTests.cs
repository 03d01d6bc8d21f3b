using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Testing;
using AgentLightning.Tests.Storage.Conformance;
using AgentLightning.Traces;
using AgentLightning.Traces.Otlp;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Traces;

/// <summary>What comes by traces is held to what every door is held to.</summary>
public sealed class TraceDoorTests
{
    private static readonly string s_trace = $"{7:x32}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(typeof(SqliteEngine))]
    [InlineData(typeof(PostgresEngine))]
    public async Task Names_that_no_index_could_hold_are_cut_and_the_traces_beside_it_are_read(Type engine)
    {
        await using var store = (StoreEngine)Activator.CreateInstance(engine)!;
        var services = await store.OpenAsync();
        // Of random letters: what compresses well would fit all the same.
        var random = new Random(1);
        var name = new string([.. Enumerable.Range(0, 4_096).Select(_ => (char)('\u4e00' + random.Next(20_000)))]);
        await ReceiveAsync(
            services,
            s_trace,
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.prompt", "long"),
            ("gen_ai.request.model", name),
            ("gen_ai.conversation.id", name + "s"),
            ("user.id", name + "u")
        );
        await ReceiveAsync(services, $"{8:x32}", ("gen_ai.operation.name", "chat"), ("gen_ai.prompt", "short"));

        await ReadAsync(services);

        var episode = (await services.GetRequiredService<IEpisodeStore>().FindAsync(s_trace, Token))!;
        Assert.InRange(episode.ModelDeployment!.Length, 1, Ids.LongestName);
        Assert.InRange(Math.Max(episode.SessionId!.Length, episode.UserId!.Length), 1, Ids.LongestName);
        Assert.NotEqual(episode.SessionId, episode.UserId);
        Assert.NotNull(await services.GetRequiredService<IEpisodeStore>().FindAsync($"{8:x32}", Token));
    }

    [Fact]
    public async Task The_id_of_a_trace_that_another_agents_episode_has_is_left_to_that_and_the_trace_has_its_own()
    {
        await using var store = new SqliteEngine();
        var services = await store.OpenAsync();
        var episodes = services.GetRequiredService<IEpisodeStore>();
        await episodes.AddAsync(
            [
                new Episode
                {
                    Id = s_trace,
                    AgentId = "planted",
                    UserInput = "i",
                    AssistantOutput = "o",
                    CreatedAt = DateTimeOffset.UnixEpoch,
                    RequestLatencyMs = 1,
                },
            ],
            Token
        );
        (string, object?)[] attributes =
        [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.prompt", "question"),
            ("gen_ai.agent.name", "shop"),
            ("agentlightning.reward.0.name", "primary"),
            ("agentlightning.reward.0.value", 0.5),
        ];
        await ReceiveAsync(services, s_trace, attributes);

        await ReadAsync(services);
        // Read again, because a span came late, it is the same episode.
        await ReceiveAsync(services, s_trace, [.. attributes, ("late", "1")], span: 2);
        await ReadAsync(services);

        Assert.Equal((1, 1), (await episodes.CountAsync("planted", Token), await episodes.CountAsync("shop", Token)));
        var rewards = services.GetRequiredService<IRewardStore>();
        Assert.Empty(await rewards.HistoryAsync(s_trace, Token));
        Assert.NotEmpty(await rewards.HistoryAsync(EpisodeIds.Marked(s_trace, "shop"), Token));
    }

    private static async Task ReceiveAsync(IServiceProvider services, string trace, params (string, object?)[] attributes) =>
        await ReceiveAsync(services, trace, attributes, span: 1);

    private static async Task ReceiveAsync(IServiceProvider services, string trace, (string, object?)[] attributes, int span)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var request = OtlpBytes.Request(
            "svc",
            "scope",
            [OtlpBytes.Span(trace, $"{span:x16}", span == 1 ? null : $"{1:x16}", "chat", now, 5, attributes)]
        );
        var result = await services
            .GetRequiredService<OtlpReceiver>()
            .ReceiveAsync(request, OtlpEncoding.Protobuf, SpanForm.Span, null, Token);
        Assert.Equal(OtlpOutcome.Stored, result.Outcome);
    }

    /// <summary>Reads what is due by then: the traces have been quiet for long enough.</summary>
    private static async Task ReadAsync(IServiceProvider services)
    {
        var assembler = ActivatorUtilities.CreateInstance<EpisodeAssembler>(
            services,
            (TimeProvider)new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow().AddMinutes(10))
        );
        await assembler.ReadDueAsync(Token);
    }
}
