using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Feedback;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class FeedbackStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly DateOnly s_day = new(2026, 3, 4);

    private IFeedbackStore Store => Get<IFeedbackStore>();

    [Fact]
    public async Task Every_part_of_feedback_comes_back()
    {
        await AddEpisodesAsync("e1");
        var whole = NewFeedback("f1", "e1") with
        {
            SessionId = "s",
            UserId = "u",
            Rating = 4,
            Helpful = true,
            Accurate = false,
            Complete = null,
            Comment = "Ünï 🙂 '\"",
            RewardScore = 0.85,
        };
        var bare = NewFeedback("f2", "e1");

        Assert.True(await Store.AddAsync(whole, Token));
        Assert.True(await Store.AddAsync(bare, Token));

        Assert.Equal(whole, await Store.FindAsync("f1", Token));
        Assert.Equal(bare, await Store.FindAsync("f2", Token));
        Assert.Null(await Store.FindAsync("f3", Token));
    }

    [Fact]
    public async Task Later_feedback_of_one_user_supersedes_and_all_of_it_is_kept()
    {
        await AddEpisodesAsync("e1", "e2");
        await Store.AddAsync(NewFeedback("f1", "e1", "u", score: 1), Token);
        await Store.AddAsync(NewFeedback("f2", "e1", "v", score: 1), Token);
        await Store.AddAsync(NewFeedback("f3", "e2", "u", score: 1), Token);
        await Store.AddAsync(NewFeedback("f4", "e1", "u", minute: 5, score: 0), Token);

        var all = await Store.ListAsync(new FeedbackQuery(), Token);

        Assert.Equal(
            [("f1", false), ("f2", true), ("f3", true), ("f4", true)],
            all.Select(feedback => (feedback.Id, feedback.IsCurrent)).Order()
        );
        Assert.Equal(Noon.AddMinutes(5), all.Single(feedback => feedback.Id == "f1").UpdatedAt);
        Assert.Equal(3, await Store.CountAsync("agent", Token));
        Assert.Equal((3, 2.0), await SumAsync());
    }

    [Fact]
    public async Task A_page_ends_at_a_place_that_is_found_also_when_its_last_feedback_is_deleted()
    {
        await AddEpisodesAsync("e1", "e2");
        for (var i = 0; i < 6; i++)
        {
            await Store.AddAsync(NewFeedback($"f{i}", i == 3 ? "e2" : "e1", $"u{i}"), Token);
        }

        var first = await Store.ListAsync(new FeedbackQuery(Limit: 3), Token);
        var place = PageCursor.After(first[^1].CreatedAt, first[^1].Id);
        Assert.Equal("f3", first[^1].Id);
        await Get<IEpisodeStore>().DeleteAsync(new EpisodeSelection(Ids: ["e2"]), 1, Token);

        var second = await Store.ListAsync(new FeedbackQuery(Before: place), Token);

        Assert.Equal(["f2", "f1", "f0"], second.Select(feedback => feedback.Id));
    }

    [Fact]
    public async Task Comments_of_a_user_go_in_bounded_steps_and_what_was_rated_stays()
    {
        await AddEpisodesAsync("e1", "e2");
        await Store.AddAsync(NewFeedback("f1", "e1", "u", score: 1) with { Comment = "one" }, Token);
        await Store.AddAsync(NewFeedback("f2", "e1", "v", score: 1) with { Comment = "two" }, Token);
        await Store.AddAsync(NewFeedback("f3", "e2", "u", score: 0) with { Comment = "three" }, Token);

        Assert.Equal(0, await Store.RemoveCommentsAsync("u", null, ["other"], 10, Token));
        Assert.Equal(1, await Store.RemoveCommentsAsync("u", null, null, 1, Token));
        Assert.Equal(1, await Store.RemoveCommentsAsync("u", "agent", ["agent"], 1, Token));
        Assert.Equal(0, await Store.RemoveCommentsAsync("u", null, null, 1, Token));

        Assert.Equal(
            [("f1", null), ("f2", "two"), ("f3", null)],
            (await Store.ListAsync(new FeedbackQuery(), Token)).Select(feedback => (feedback.Id, feedback.Comment)).Order()
        );
        Assert.Equal((3, 2.0), await SumAsync());
    }

    [Fact]
    public async Task The_same_id_twice_is_one_record()
    {
        await AddEpisodesAsync("e1");

        Assert.True(await Store.AddAsync(NewFeedback("f1", "e1", score: 1), Token));
        Assert.False(await Store.AddAsync(NewFeedback("f1", "e1", score: 0), Token));
        Assert.Equal((1, 1.0), await SumAsync());
    }

    [Fact]
    public async Task Of_many_at_once_by_one_user_all_are_kept_and_one_is_current()
    {
        await AddEpisodesAsync("e1");
        var other = (IFeedbackStore)(await Engine.OpenAsync()).GetService(typeof(IFeedbackStore))!;

        await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i => Task.Run(() => (i % 2 == 0 ? Store : other).AddAsync(NewFeedback($"f{i}", "e1", "u"), Token)))
        );

        var all = await Store.ListAsync(new FeedbackQuery(), Token);
        Assert.Equal(20, all.Count);
        Assert.Single(all, feedback => feedback.IsCurrent);
        Assert.Equal(1, await Store.CountMessagesAsync("agent", s_day, s_day, Token));
    }

    [Fact]
    public async Task Feedback_on_an_unknown_episode_is_refused_and_feedback_goes_with_its_episode()
    {
        await AddEpisodesAsync("e1", "e2");
        await Store.AddAsync(NewFeedback("f1", "e1"), Token);
        await Store.AddAsync(NewFeedback("f2", "e2"), Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => Store.AddAsync(NewFeedback("f3", "nobody"), Token));
        await Get<IEpisodeStore>().DeleteAsync(new EpisodeSelection(Ids: ["e1"]), 10, Token);

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Equal("f2", Assert.Single(await Store.ListAsync(new FeedbackQuery(), Token)).Id);
        Assert.Equal((1, 1), (await Store.CountAsync(null, Token), await Store.CountMessagesAsync(null, s_day, s_day, Token)));
    }

    [Fact]
    public async Task Pages_give_everything_once_newest_first_and_only_what_is_asked_for()
    {
        await AddEpisodesAsync([.. Enumerable.Range(0, 30).Select(i => $"e{i}")]);
        await Get<IEpisodeStore>().AddAsync([NewEpisode("x", "other")], Token);
        for (var i = 0; i < 30; i++)
        {
            await Store.AddAsync(NewFeedback($"f{i}", $"e{i}", minute: i / 4), Token);
        }

        await Store.AddAsync(NewFeedback("fx", "x", minute: 3) with { AgentId = "other" }, Token);

        var seen = new List<MessageFeedback>();
        for (var page = await PageAsync(null); page.Count > 0; page = await PageAsync(seen[^1].Id))
        {
            seen.AddRange(page);
        }

        Assert.Equal(
            Enumerable.Range(0, 30).Select(i => $"f{i}").Order(StringComparer.Ordinal),
            seen.Select(feedback => feedback.Id).Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            seen.OrderByDescending(feedback => feedback.CreatedAt).ThenByDescending(feedback => feedback.Id, StringComparer.Ordinal),
            seen
        );
        Assert.Equal("f7", Assert.Single(await Store.ListAsync(new FeedbackQuery(EpisodeId: "e7"), Token)).Id);
        Assert.Equal(
            ErrorKind.NotFound,
            (await Assert.ThrowsAsync<LightningException>(() => Store.ListAsync(new FeedbackQuery(Before: "nobody"), Token))).Kind
        );
        Assert.Equal(
            ErrorKind.Invalid,
            (await Assert.ThrowsAsync<LightningException>(() => Store.ListAsync(new FeedbackQuery(Limit: 0), Token))).Kind
        );

        Task<IReadOnlyList<MessageFeedback>> PageAsync(string? before) =>
            Store.ListAsync(new FeedbackQuery("agent", Limit: 7, Before: before), Token);
    }

    [Fact]
    public async Task Counts_are_by_utc_day_and_type_and_share_their_edges_with_no_other_day()
    {
        await AddEpisodesAsync("e1", "e2", "e3", "e4");
        var midnight = new DateTimeOffset(2026, 3, 4, 0, 0, 0, TimeSpan.Zero);
        await Store.AddAsync(NewFeedback("f1", "e1", score: 0.8) with { CreatedAt = midnight.AddMicroseconds(-1) }, Token);
        await Store.AddAsync(NewFeedback("f2", "e2", score: 0.5) with { CreatedAt = midnight }, Token);
        await Store.AddAsync(
            NewFeedback("f3", "e3", score: 0.25) with
            {
                CreatedAt = midnight.AddHours(2),
                FeedbackType = "regenerate",
            },
            Token
        );
        await Store.AddAsync(NewFeedback("f4", "e4", score: 1) with { CreatedAt = midnight.AddDays(1) }, Token);

        Assert.Equal(
            [new FeedbackCount(s_day, "regenerate", 1, 0.25, 0, 0), new FeedbackCount(s_day, "thumbs_up", 1, 0.5, 0, 1)],
            await Store.CountAsync("agent", s_day, s_day, Token)
        );
        Assert.Equal(
            [
                new FeedbackCount(s_day.AddDays(-1), "thumbs_up", 1, 0.8, 1, 0),
                new FeedbackCount(s_day, "regenerate", 1, 0.25, 0, 0),
                new FeedbackCount(s_day, "thumbs_up", 1, 0.5, 0, 1),
            ],
            await Store.CountAsync(null, s_day.AddDays(-1), s_day, Token)
        );
        Assert.Empty(await Store.CountAsync("nobody", s_day.AddDays(-1), s_day, Token));
    }

    private static MessageFeedback NewFeedback(string id, string episode, string? user = null, int minute = 0, double score = 1) =>
        new()
        {
            Id = id,
            MessageId = $"message of {episode}",
            EpisodeId = episode,
            AgentId = "agent",
            UserId = user,
            FeedbackType = "thumbs_up",
            RewardScore = score,
            MessageCreatedAt = Noon,
            CreatedAt = Noon.AddMinutes(minute),
            UpdatedAt = Noon.AddMinutes(minute),
        };

    private Task<int> AddEpisodesAsync(params string[] ids) => Get<IEpisodeStore>().AddAsync([.. ids.Select(id => NewEpisode(id))], Token);

    private async Task<(long, double)> SumAsync()
    {
        var counts = await Store.CountAsync(null, s_day, s_day, Token);
        return (counts.Sum(count => count.Count), counts.Sum(count => count.RewardSum));
    }
}
