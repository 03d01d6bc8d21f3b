using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Governance;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Testing;
using AgentLightning.Tests.Storage;
using AgentLightning.Tests.Storage.Conformance;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace AgentLightning.Tests.Retention;

public sealed class RetentionTests
{
    private static readonly DateTimeOffset s_now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Old_texts_go_first_and_whole_episodes_later()
    {
        await using var product = await Product.OpenAsync(services => services.AddSingleton<TimeProvider>(new FakeTimeProvider(s_now)));
        var store = product.Get<IEpisodeStore>();
        await store.AddAsync([.. Enumerable.Range(0, 1_200).Select(i => NewEpisode($"e{i:0000}", s_now.AddHours(-i)))], Token);

        var swept = await Sweeper(
                product,
                new RetentionOptions { PayloadAge = TimeSpan.FromHours(100), EpisodeAge = TimeSpan.FromHours(600) }
            )
            .SweepAsync(Token);

        Assert.Equal(new RetentionResult(599, 500, 0, 0), swept);
        Assert.Equal(601, await store.CountAsync(null, Token));
        Assert.False((await store.FindAsync("e0100", Token))!.PayloadRemoved);
        Assert.True((await store.FindAsync("e0101", Token))!.PayloadRemoved);
        Assert.NotNull(await store.FindAsync("e0600", Token));
        Assert.Null(await store.FindAsync("e0601", Token));
    }

    [Fact]
    public async Task Without_ages_nothing_goes()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<IEpisodeStore>().AddAsync([NewEpisode("e1", DateTimeOffset.UnixEpoch)], Token);

        Assert.Equal(new RetentionResult(0, 0, 0, 0), await Sweeper(product, new RetentionOptions()).SweepAsync(Token));
        Assert.Equal(1, await product.Get<IEpisodeStore>().CountAsync(null, Token));
    }

    [Fact]
    public async Task A_user_whose_id_is_personal_data_is_found_by_the_id_as_it_was_given()
    {
        await using var product = await Product.OpenAsync();
        var recorder = product.Get<EpisodeRecorder>();
        await recorder.RecordAsync(NewEpisode("e1", s_now) with { UserId = "ann@example.com" }, Token);
        await recorder.RecordAsync(NewEpisode("e2", s_now) with { UserId = "bo@example.com" }, Token);

        var removed = await product
            .Get<DeleteEpisodes>()
            .ExecuteAsync(Product.Owner, new EpisodeSelection(UserId: "ann@example.com"), RemovalScope.Episode, null, Token);

        Assert.Equal(1, removed);
        Assert.Null(await product.Get<IEpisodeStore>().FindAsync("e1", Token));
        Assert.StartsWith("[ID:", (await product.Get<IEpisodeStore>().FindAsync("e2", Token))!.UserId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(typeof(SqliteEngine))]
    [InlineData(typeof(PostgresEngine))]
    public async Task The_prompts_in_spans_go_with_the_texts_of_their_episode_and_with_their_age(Type engine)
    {
        await using var store = (StoreEngine)Activator.CreateInstance(engine)!;
        var services = await store.OpenAsync();
        var (traces, episodes, removal) = (
            services.GetRequiredService<ITraceStore>(),
            services.GetRequiredService<IEpisodeStore>(),
            services.GetRequiredService<DeleteEpisodes>()
        );
        // Of a user, of another one, and of nobody: only the first two become episodes.
        string[] ids = [.. Enumerable.Range(1, 3).Select(i => $"{i:x32}")];
        for (var i = 0; i < 3; i++)
        {
            (string, object?)[] attributes =
                i == 2 ? [("note", "prompt")] : [("gen_ai.operation.name", "chat"), ("gen_ai.prompt", "prompt"), ("user.id", $"user-{i}")];
            var request = OtlpBytes.Request(
                "svc",
                "scope",
                [OtlpBytes.Span(ids[i], $"{1:x16}", null, "chat", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), 5, attributes)]
            );
            await services.GetRequiredService<OtlpReceiver>().ReceiveAsync(request, OtlpEncoding.Protobuf, SpanForm.Span, null, Token);
        }

        await new EpisodeAssembler(
            traces,
            episodes,
            services.GetRequiredService<IRewardStore>(),
            [],
            services.GetRequiredService<TraceIngestor>(),
            services.GetRequiredService<Redactor>(),
            services.GetRequiredService<TraceOptions>(),
            new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddMinutes(1)),
            NullLogger<EpisodeAssembler>.Instance
        ).ReadDueAsync(Token);

        Assert.Equal(
            1,
            await removal.ExecuteAsync(Product.Owner, new EpisodeSelection(UserId: "user-0"), RemovalScope.Payload, null, Token)
        );
        Assert.Equal([0, 1, 1], await BodiesAsync());

        var later = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddHours(3));
        var swept = await new RetentionSweeper(
            removal,
            traces,
            new RetentionOptions { PayloadAge = TimeSpan.FromHours(2) },
            later,
            NullLogger<RetentionSweeper>.Instance
        ).SweepAsync(Token);
        Assert.Equal(new RetentionResult(0, 1, 0, 1), swept);
        Assert.Equal([0, 0, 0], await BodiesAsync());
        Assert.Equal(3, await traces.CountAsync(Token));

        swept = await new RetentionSweeper(
            removal,
            traces,
            new RetentionOptions { EpisodeAge = TimeSpan.FromHours(2) },
            later,
            NullLogger<RetentionSweeper>.Instance
        ).SweepAsync(Token);
        Assert.Equal(new RetentionResult(2, 0, 1, 0), swept);
        Assert.Equal(0, await traces.CountAsync(Token));

        async Task<List<int>> BodiesAsync()
        {
            var bodies = new List<int>();
            foreach (var id in ids)
            {
                bodies.Add((await traces.SpansAsync(id, 10, Token)).Count(span => span.Body.Length > 0));
            }

            return bodies;
        }
    }

    [Fact]
    public async Task Deleting_a_user_takes_the_comments_on_other_peoples_episodes_too()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<EpisodeRecorder>().RecordDurablyAsync(NewEpisode("01890a5d-ac96-774b-bcce-b302099a8057", s_now), Token);
        var given = await product
            .Get<FeedbackService>()
            .GiveAsync(
                new FeedbackRequest("01890a5d-ac96-774b-bcce-b302099a8057", "thumbs_up", Comment: "from Ann", UserId: "ann@example.com"),
                _ => true,
                Token
            );

        Assert.Equal(
            0,
            await product
                .Get<DeleteEpisodes>()
                .ExecuteAsync(Product.Owner, new EpisodeSelection(UserId: "ann@example.com"), RemovalScope.Episode, null, Token)
        );

        var left = (await product.Get<IFeedbackStore>().FindAsync(given.Id, Token))!;
        Assert.Equal((null, "thumbs_up"), (left.Comment, left.FeedbackType));
        var told = Assert.Single(await product.Get<IAuditLog>().ListAsync(new AuditQuery(), Token), entry =>
            entry.Action == AuditAction.Deleted
        );
        Assert.Equal(("0", "1"), (told.Detail!["removed"], told.Detail["comments"]));
    }

    [Theory]
    [InlineData(0.5, 1, "PayloadAge of the retention must be from 1 hour to 100 years, but it is 00:30:00.")]
    [InlineData(2, 0.001, "Interval of the retention must be from 1 minute to 7 days, but it is 00:00:03.6000000.")]
    public async Task Ages_and_intervals_out_of_range_are_refused(double ageHours, double intervalHours, string message)
    {
        await using var product = await Product.OpenAsync();

        var error = Assert.Throws<LightningException>(() =>
            Sweeper(
                product,
                new RetentionOptions { PayloadAge = TimeSpan.FromHours(ageHours), Interval = TimeSpan.FromHours(intervalHours) }
            )
        );

        Assert.Equal(message, error.Message);
    }

    private static RetentionSweeper Sweeper(Product product, RetentionOptions options) =>
        new(
            product.Get<DeleteEpisodes>(),
            product.Get<ITraceStore>(),
            options,
            product.Get<TimeProvider>(),
            NullLogger<RetentionSweeper>.Instance
        );

    private static Episode NewEpisode(string id, DateTimeOffset at) =>
        new()
        {
            Id = id,
            AgentId = "a",
            UserInput = "i",
            AssistantOutput = "o",
            CreatedAt = at,
            RequestLatencyMs = 1,
        };
}
