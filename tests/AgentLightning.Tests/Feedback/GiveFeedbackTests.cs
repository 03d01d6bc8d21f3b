using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Rewards;
using AgentLightning.Tests.Storage;
using AgentLightning.Tests.Storage.Conformance;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Feedback;

public sealed class GiveFeedbackTests
{
    private const string Message = "01890a5d-ac96-774b-bcce-b302099a8057";

    private static readonly Scope s_owner = Scope.Owner("test");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Feedback_waits_for_an_episode_that_is_still_queued_and_makes_no_second_one()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<EpisodeRecorder>().RecordAsync(NewEpisode("e1"), Token);

        var given = await GiveAsync(product, new FeedbackRequest(Message, "rating_4"));

        Assert.Equal(("e1", 0.8, 4), (given.EpisodeId, given.RewardScore, given.Rating));
        Assert.Equal(1, await product.Get<IEpisodeStore>().CountAsync(null, Token));
        var reward = Assert.Single(await product.Get<IRewardStore>().HistoryAsync("e1", Token));
        Assert.Equal((RewardSource.HumanApproval, 0.8, "0..1", "rating_4"), (reward.Source, reward.RawValue, reward.Scale, reward.Rubric));
        Assert.Equal(0.6, reward.Value, 12);
    }

    [Fact]
    public async Task Ids_of_feedback_are_each_agents_own_and_so_are_those_of_its_rewards()
    {
        const string Other = "01890a5d-ac96-774b-bcce-b302099a8058";
        await using var product = await Product.OpenAsync();
        await product
            .Get<IEpisodeStore>()
            .AddAsync([NewEpisode("e1") with { AgentId = "a" }, NewEpisode("e2") with { AgentId = "b", MessageId = Other }], Token);
        var give = product.Get<GiveFeedback>();
        Scope both = new("ab", Role.Write, ["a", "b"]);

        for (var again = 0; again < 2; again++)
        {
            var first = await give.GiveAsync(both, new FeedbackRequest(Message, "thumbs_up", FeedbackId: "f1"), Token);
            var second = await give.GiveAsync(both, new FeedbackRequest(Other, "thumbs_down", FeedbackId: "f1"), Token);

            Assert.Equal(("f1", "a", "f1", "b"), (first.Id, first.AgentId, second.Id, second.AgentId));
        }

        Assert.Equal(2, (await product.Get<IFeedbackStore>().ListAsync(new FeedbackQuery(), Token)).Count);
        Assert.Equal(1.0, (await OnlyAsync("e1")).Value);
        Assert.Equal(-1.0, (await OnlyAsync("e2")).Value);

        async Task<Reward> OnlyAsync(string id) => Assert.Single(await product.Get<IRewardStore>().HistoryAsync(id, Token));
    }

    [Fact]
    public async Task A_person_who_thinks_again_replaces_the_own_reward_and_never_that_of_another()
    {
        await using var product = await WithEpisodeAsync();

        await GiveAsync(product, new FeedbackRequest(Message, "thumbs_up", UserId: "ann"));
        await GiveAsync(product, new FeedbackRequest(Message, "thumbs_down", UserId: "bob"));
        await GiveAsync(product, new FeedbackRequest(Message, "thumbs_up"));
        await GiveAsync(product, new FeedbackRequest(Message, "rating_3", UserId: "bob"));

        var rewards = await product.Get<IRewardStore>().HistoryAsync("e1", Token);
        Assert.Equal(4, rewards.Count);
        Assert.Equal(
            [("anonymous", 1.0), ("user:ann", 1.0), ("user:bob", 0.5)],
            rewards.Where(reward => reward.IsCurrent).Select(reward => (reward.Evaluator, reward.RawValue!.Value)).Order()
        );
        var kept = await product.Get<IFeedbackStore>().ListAsync(new FeedbackQuery(EpisodeId: "e1"), Token);
        Assert.Equal(4, kept.Count);
        Assert.False(Assert.Single(kept, feedback => !feedback.IsCurrent).FeedbackType == "rating_3");
    }

    [Fact]
    public async Task What_a_person_says_counts_instead_of_the_signals_whichever_comes_first()
    {
        await using var product = await WithEpisodeAsync();
        var signals = product.Get<GiveSignals>();
        var store = product.Get<IRewardStore>();

        var first = (await signals.GiveAsync(s_owner, "e1", new ConversationSignals(NaturalContinuation: true), Token)).Reward;
        Assert.Equal(0.6, first.RawValue!.Value);
        Assert.Equal(0.2, (await store.SummariseAsync(null, Token)).Mean, 9);
        await GiveAsync(product, new FeedbackRequest(Message, "thumbs_down"));
        Assert.Equal((1, -1.0), await CountAndMeanAsync(store));
        await signals.GiveAsync(s_owner, "e1", new ConversationSignals(), Token);

        Assert.Equal((1, -1.0), await CountAndMeanAsync(store));
        Assert.Equal(3, (await store.HistoryAsync("e1", Token)).Count);
    }

    [Fact]
    public async Task A_repeated_feedback_id_is_one_record_and_another_content_for_it_is_refused()
    {
        await using var product = await WithEpisodeAsync();

        var first = await GiveAsync(product, new FeedbackRequest(Message, "rating_2", Comment: "meh", FeedbackId: "f1"));
        var second = await GiveAsync(product, new FeedbackRequest(Message, "rating_2", Comment: "meh", FeedbackId: "f1"));
        var error = await Assert.ThrowsAsync<LightningException>(() =>
            GiveAsync(product, new FeedbackRequest(Message, "rating_5", FeedbackId: "f1"))
        );

        Assert.Equal(first, second);
        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Single(await product.Get<IFeedbackStore>().ListAsync(new FeedbackQuery(), Token));
        Assert.Single(await product.Get<IRewardStore>().HistoryAsync("e1", Token));
    }

    [Fact]
    public async Task A_repeated_id_whose_reward_was_lost_gets_it_and_one_that_was_superseded_does_not_come_back()
    {
        await using var product = await WithEpisodeAsync();
        var store = product.Get<IFeedbackStore>();
        var lost = await GiveAsync(product, new FeedbackRequest(Message, "thumbs_up", FeedbackId: "old"));
        // As a server leaves it that ends between the two writes.
        await store.AddAsync(lost with { Id = "f1", RewardScore = 0.0, FeedbackType = "thumbs_down" }, Token);

        await GiveAsync(product, new FeedbackRequest(Message, "thumbs_down", FeedbackId: "f1"));
        Assert.Equal((1, -1.0), await CountAndMeanAsync(product.Get<IRewardStore>()));
        await GiveAsync(product, new FeedbackRequest(Message, "thumbs_up", FeedbackId: "old"));

        Assert.Equal((1, -1.0), await CountAndMeanAsync(product.Get<IRewardStore>()));
    }

    [Fact]
    public async Task A_message_belongs_to_its_user_and_to_its_agent()
    {
        await using var product = await WithEpisodeAsync(NewEpisode("e1") with { UserId = "ann" });

        await GiveAsync(product, new FeedbackRequest(Message, "thumbs_up"));
        await GiveAsync(product, new FeedbackRequest(Message, "thumbs_up", UserId: "ann", AgentId: "a"));
        var foreign = await Assert.ThrowsAsync<LightningException>(() =>
            GiveAsync(product, new FeedbackRequest(Message, "thumbs_up", UserId: "bob"))
        );
        var other = await Assert.ThrowsAsync<LightningException>(() =>
            GiveAsync(product, new FeedbackRequest(Message, "thumbs_up", AgentId: "b"))
        );

        Assert.Equal((ErrorKind.Forbidden, "Access denied to this conversation"), (foreign.Kind, foreign.Message));
        Assert.Equal((ErrorKind.NotFound, "Message not found"), (other.Kind, other.Message));
        Assert.Equal(2, (await product.Get<IFeedbackStore>().ListAsync(new FeedbackQuery(), Token)).Count);
    }

    [Fact]
    public async Task A_user_whose_id_is_personal_is_known_again_and_not_stored()
    {
        await using var product = await Product.OpenAsync();
        await product.Get<EpisodeRecorder>().RecordDurablyAsync(NewEpisode("e1") with { UserId = "ann@example.com" }, Token);

        var given = await GiveAsync(
            product,
            new FeedbackRequest(Message, "thumbs_up", UserId: "ann@example.com", Comment: "write to ann@example.com")
        );
        var foreign = await Assert.ThrowsAsync<LightningException>(() =>
            GiveAsync(product, new FeedbackRequest(Message, "thumbs_up", UserId: "bob@example.com"))
        );

        Assert.Equal("write to [EMAIL]", given.Comment);
        Assert.StartsWith("[ID:", given.UserId, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "example.com",
            Assert.Single(await product.Get<IRewardStore>().HistoryAsync("e1", Token)).Evaluator,
            StringComparison.Ordinal
        );
        Assert.Equal(ErrorKind.Forbidden, foreign.Kind);
    }

    [Fact]
    public async Task The_signals_of_the_episode_are_in_the_reward()
    {
        await using var product = await WithEpisodeAsync(
            NewEpisode("e1") with
            {
                AssistantOutput = new string('x', 2_500),
                Intent = "billing",
                Metadata = new Dictionary<string, string> { ["context_used"] = "true" },
            }
        );

        Assert.Equal(0.9, (await GiveAsync(product, new FeedbackRequest(Message, "rating_4"))).RewardScore);
    }

    [Theory]
    [InlineData(null, "thumbs_up", null, null, "message_id and feedback_type are required")]
    [InlineData(Message, null, null, null, "message_id and feedback_type are required")]
    [InlineData("my message", "thumbs_up", null, null, "message_id must be 1 to 200 characters without blanks")]
    [InlineData("my/message", "thumbs_up", null, null, "message_id must not hold a slash")]
    [InlineData(Message, "applause", null, null, "Invalid feedback_type: applause")]
    [InlineData(Message, "Thumbs_Up", null, null, "Invalid feedback_type: Thumbs_Up")]
    [InlineData(Message, "rating_6", null, null, "Invalid feedback_type: rating_6")]
    [InlineData(Message, "thumbs_up", 0, null, "rating must be from 1 to 5, but it is 0")]
    [InlineData(Message, "thumbs_up", 6, null, "rating must be from 1 to 5, but it is 6")]
    [InlineData(Message, "rating_4", 5, null, "rating is 5, but feedback_type is rating_4")]
    [InlineData(Message, "copy", null, 1_001, "at most 1000 characters, but it has 1001")]
    public async Task Feedback_that_cannot_be_right_is_refused_with_what_is_wrong(
        string? message,
        string? type,
        int? rating,
        int? length,
        string text
    )
    {
        await using var product = await WithEpisodeAsync();

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            GiveAsync(product, new FeedbackRequest(message, type, rating, length is null ? null : new string('x', length.Value)))
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
        Assert.Empty(await product.Get<IFeedbackStore>().ListAsync(new FeedbackQuery(), Token));
        Assert.Empty(await product.Get<IRewardStore>().HistoryAsync("e1", Token));
    }

    [Theory]
    [InlineData("01890A5D-AC96-774B-BCCE-B302099A8057")]
    [InlineData("01890a5dac96774bbcceb302099a8057")]
    public async Task A_message_id_is_known_in_other_spellings_of_the_same_uuid(string spelling)
    {
        await using var product = await WithEpisodeAsync();

        Assert.Equal(
            "e1",
            (await GiveAsync(product, new FeedbackRequest(spelling, "copy", Comment: new string('x', 998) + "🙂🙂"))).EpisodeId
        );
    }

    [Fact]
    public async Task A_message_id_that_two_agents_gave_is_the_agents_own()
    {
        await using var product = await WithEpisodeAsync();
        await product
            .Get<IEpisodeStore>()
            .AddAsync([NewEpisode("newer") with { AgentId = "b", CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_001) }], Token);
        var scope = new Scope("key", Role.Write, ["a"]);

        var ofScope = await product.Get<GiveFeedback>().GiveAsync(scope, new FeedbackRequest(Message, "thumbs_up"), Token);
        var named = await GiveAsync(product, new FeedbackRequest(Message, "thumbs_down", UserId: "ann", AgentId: "b"));
        var unclear = await Assert.ThrowsAsync<LightningException>(() => GiveAsync(product, new FeedbackRequest(Message, "thumbs_up")));

        Assert.Equal(("e1", "newer"), (ofScope.EpisodeId, named.EpisodeId));
        Assert.Equal(ErrorKind.Conflict, unclear.Kind);
        Assert.Contains("agents b, a", unclear.Message, StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(await product.Get<IRewardStore>().HistoryAsync("e1", Token)).Value);
    }

    [Theory]
    [InlineData(typeof(SqliteEngine))]
    [InlineData(typeof(PostgresEngine))]
    public async Task Of_what_a_person_says_at_once_the_reward_is_that_of_the_feedback_that_counts(Type engine)
    {
        await using var store = (StoreEngine)Activator.CreateInstance(engine)!;
        // Two servers on one store.
        IServiceProvider[] servers = [await store.OpenAsync(), await store.OpenAsync()];
        for (var round = 0; round < 15; round++)
        {
            var (id, message) = ($"e{round}", Guid.NewGuid().ToString("D"));
            await servers[0].GetRequiredService<IEpisodeStore>().AddAsync([NewEpisode(id) with { MessageId = message }], Token);

            await Task.WhenAll(
                Enumerable
                    .Range(0, 8)
                    .Select(i =>
                        Task.Run(
                            () =>
                                servers[i % 2]
                                    .GetRequiredService<GiveFeedback>()
                                    .GiveAsync(s_owner, new FeedbackRequest(message, i < 4 ? "thumbs_up" : "thumbs_down"), Token),
                            Token
                        )
                    )
            );

            var counts = await servers[1].GetRequiredService<IFeedbackStore>().FindCurrentAsync(id, null, Token);
            var rewards = await servers[1].GetRequiredService<IRewardStore>().HistoryAsync(id, Token);
            Assert.Equal(counts!.RewardScore, Assert.Single(rewards, reward => reward.IsCurrent).RawValue);
        }
    }

    private static Task<MessageFeedback> GiveAsync(Product product, FeedbackRequest request) =>
        product.Get<GiveFeedback>().GiveAsync(s_owner, request, Token);

    private static async Task<Product> WithEpisodeAsync(Episode? episode = null)
    {
        var product = await Product.OpenAsync();
        await product.Get<IEpisodeStore>().AddAsync([episode ?? NewEpisode("e1")], Token);
        return product;
    }

    private static Episode NewEpisode(string id) =>
        new()
        {
            Id = id,
            AgentId = "a",
            MessageId = Message,
            UserInput = "i",
            AssistantOutput = new string('x', 60),
            CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
            RequestLatencyMs = 1,
        };

    private static async Task<(long, double)> CountAndMeanAsync(IRewardStore store)
    {
        var summary = await store.SummariseAsync(null, Token);
        return (summary.Count, summary.Mean);
    }
}
