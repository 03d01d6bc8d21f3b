using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class EpisodeStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private IEpisodeStore Store => Get<IEpisodeStore>();

    [Fact]
    public async Task An_episode_comes_back_as_it_was_stored()
    {
        var episode = NewEpisode("e1") with
        {
            UserInput = "Zeile 1\nZeile 2 🙂 \"quoted\" \\ \u0001", SessionId = "s", CorrelationId = "c", ModelDeployment = "m", DeploymentId = "d", TrainingRunId = "r",
            Status = EpisodeStatus.Failed, Internal = true, ToolCalls = [new("tool", "{\"a\":1}", null, 3.25, "boom")], TokenUsage = new(1, 2, 3),
            Metadata = new Dictionary<string, string> { ["intent"] = "ask" }, InputKey = "key",
            UserId = "u", MessageId = "m1", TraceId = "0af7651916cd43dd8448eb211c80319c", Intent = "ask", Persona = "homeowner", Error = "TimeoutException: too late",
            TimeToFirstTokenMs = 12.5, Tags = ["a", "b c"], Tokens = new([1, 2], [3], [-0.25]),
            Messages = [new("user", "hi", "bo"), new("assistant", null, ToolCalls: [new("call_1", "tool", "{\"a\":1}")]), new("tool", "1", ToolCallId: "call_1")],
        };
        await Store.AddAsync([episode], Token);

        var read = await Store.FindAsync("e1", Token);

        Assert.Equivalent(episode, read, strict: true);
    }

    [Fact]
    public async Task Half_a_surrogate_pair_becomes_the_replacement_character()
    {
        await Store.AddAsync([NewEpisode("e1") with { AssistantOutput = "cut \ud83d", UserInput = "\ude42\ude42 🙂" }], Token);

        var read = await Store.FindAsync("e1", Token);

        Assert.Equal(("cut \ufffd", "\ufffd\ufffd 🙂"), (read!.AssistantOutput, read.UserInput));
    }

    [Fact]
    public async Task A_text_with_the_character_0_is_refused_and_not_cut()
    {
        var error = await Assert.ThrowsAsync<LightningException>(() => Store.AddAsync([NewEpisode("e1") with { AssistantOutput = "one\0two" }], Token));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains("U+0000", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await Store.CountAsync(null, Token));
    }

    [Fact]
    public async Task The_same_id_twice_in_one_group_is_one_episode_and_the_first_stays()
    {
        Assert.Equal(1, await Store.AddAsync([NewEpisode("e1"), NewEpisode("e1") with { UserInput = "other" }], Token));

        Assert.Equal("input of e1", (await Store.FindAsync("e1", Token))!.UserInput);
    }

    [Fact]
    public async Task An_empty_group_is_nothing() => Assert.Equal(0, await Store.AddAsync([], Token));

    [Fact]
    public async Task The_same_id_twice_is_one_episode_and_the_first_stays()
    {
        Assert.Equal(1, await Store.AddAsync([NewEpisode("e1")], Token));
        Assert.Equal(1, await Store.AddAsync([NewEpisode("e1") with { UserInput = "other" }, NewEpisode("e2")], Token));

        Assert.Equal("input of e1", (await Store.FindAsync("e1", Token))!.UserInput);
        Assert.Equal(2, await Store.CountAsync(null, Token));
    }

    [Fact]
    public async Task A_group_is_stored_whole_or_not_at_all()
    {
        var broken = NewEpisode("e2") with { UserInput = null! };

        await Assert.ThrowsAnyAsync<Exception>(() => Store.AddAsync([NewEpisode("e1"), broken], Token));

        Assert.Equal(0, await Store.CountAsync(null, Token));
    }

    [Fact]
    public async Task An_unknown_id_is_null() => Assert.Null(await Store.FindAsync("nobody", Token));

    [Fact]
    public async Task Lists_are_newest_first_and_cut_long_texts_to_200_characters()
    {
        await Store.AddAsync([NewEpisode("a", minute: 1), NewEpisode("b", minute: 3) with { UserInput = new string('x', 500) }, NewEpisode("c", minute: 2)], Token);

        var list = await Store.ListAsync(new EpisodeQuery("agent"), Token);

        Assert.Equal(["b", "c", "a"], list.Select(episode => episode.Id));
        Assert.Equal(new string('x', 200) + "...", list[0].UserInput);
    }

    [Fact]
    public async Task Paging_sees_every_episode_once_while_new_ones_arrive()
    {
        // Many at the same microsecond: the id decides between them.
        await Store.AddAsync([.. Enumerable.Range(0, 25).Select(i => NewEpisode($"e{i:00}", minute: i / 10))], Token);
        var seen = new List<string>();
        string? before = null;
        while (true)
        {
            var page = await Store.ListAsync(new EpisodeQuery("agent", Limit: 7, Before: before), Token);
            if (page.Count == 0)
            {
                break;
            }

            seen.AddRange(page.Select(episode => episode.Id));
            before = page[^1].Id;
            await Store.AddAsync([NewEpisode($"new{seen.Count:00}", minute: 90)], Token);
        }

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"e{i:00}").OrderByDescending(id => int.Parse(id.AsSpan(1), null) / 10).ThenByDescending(id => id), seen);
    }

    [Fact]
    public async Task Agents_and_times_select()
    {
        await Store.AddAsync([NewEpisode("a", "one", 1), NewEpisode("b", "one", 5), NewEpisode("c", "two", 5)], Token);

        Assert.Equal(["b"], (await Store.ListAsync(new EpisodeQuery("one", Start: Noon.AddMinutes(2)), Token)).Select(episode => episode.Id));
        Assert.Equal(["a"], (await Store.ListAsync(new EpisodeQuery(End: Noon.AddMinutes(5)), Token)).Select(episode => episode.Id));
        Assert.Equal(1, await Store.CountAsync("two", Token));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1001)]
    public async Task A_limit_out_of_range_is_refused_with_the_range(int limit)
    {
        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ListAsync(new EpisodeQuery(Limit: limit), Token));

        Assert.Equal($"limit must be from 1 to 1000, but it is {limit}.", error.Message);
    }

    [Fact]
    public async Task A_cursor_that_does_not_exist_is_not_found()
    {
        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ListAsync(new EpisodeQuery(Before: "gone"), Token));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
    }

    [Fact]
    public async Task Counts_go_beyond_any_page()
    {
        await Store.AddAsync([.. Enumerable.Range(0, 1_500).Select(i => NewEpisode($"e{i}"))], Token);

        Assert.Equal(1_500, await Store.CountAsync("agent", Token));
    }

    [Fact]
    public async Task Of_many_that_store_the_same_ids_at_once_each_id_is_new_to_one()
    {
        var other = (IEpisodeStore)(await Engine.OpenAsync()).GetService(typeof(IEpisodeStore))!;
        var ids = Enumerable.Range(0, 50).Select(i => $"e{i}").ToList();

        // In both orders, which is how two groups come to wait for each other.
        var added = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
            (i % 2 == 0 ? Store : other).AddAsync([.. (i % 4 < 2 ? ids : ids.AsEnumerable().Reverse()).Select(id => NewEpisode(id))], Token))));

        Assert.Equal(50, added.Sum());
        Assert.Equal(50, await Store.CountAsync(null, Token));
    }

    [Fact]
    public async Task What_was_stored_is_there_for_the_next_process()
    {
        await Store.AddAsync([NewEpisode("e1")], Token);

        var other = await Engine.OpenAsync();

        Assert.NotNull(await ((IEpisodeStore)other.GetService(typeof(IEpisodeStore))!).FindAsync("e1", Token));
    }
}
