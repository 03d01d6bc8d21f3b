using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;

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
            UserInput = "Zeile 1\nZeile 2 🙂 \"quoted\" \\ \u0001",
            SessionId = "s",
            CorrelationId = "c",
            ModelDeployment = "m",
            DeploymentId = "d",
            TrainingRunId = "r",
            Status = EpisodeStatus.Failed,
            Internal = true,
            ToolCalls = [new("tool", "{\"a\":1}", null, 3.25, "boom")],
            TokenUsage = new(1, 2, 3),
            Metadata = new Dictionary<string, string> { ["intent"] = "ask" },
            InputKey = "key",
            UserId = "u",
            MessageId = "m1",
            TraceId = "0af7651916cd43dd8448eb211c80319c",
            Intent = "ask",
            Persona = "homeowner",
            Error = "TimeoutException: too late",
            TimeToFirstTokenMs = 12.5,
            Tags = ["a", "b c"],
            Tokens = new([1, 2], [3], [-0.25]),
            Messages =
            [
                new("user", "hi", "bo"),
                new("assistant", null, ToolCalls: [new("call_1", "tool", "{\"a\":1}")]),
                new("tool", "1", ToolCallId: "call_1"),
            ],
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
        var error = await Assert.ThrowsAsync<LightningException>(() =>
            Store.AddAsync([NewEpisode("e1") with { AssistantOutput = "one\0two" }], Token)
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains("U+0000", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await Store.CountAsync(null, Token));
    }

    [Fact]
    public async Task Two_agents_that_choose_one_id_each_have_their_episode_also_at_the_same_moment()
    {
        var added = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .SelectMany(i => new[] { NewEpisode($"e{i}", "red"), NewEpisode($"e{i}", "blue") })
                .Select(episode => Task.Run(async () => (await Store.AddEachAsync([episode], Token))[0], Token))
        );

        Assert.All(added, one => Assert.True(one.IsNew));
        Assert.Equal(40, added.Select(one => one.Id).Distinct().Count());
        foreach (var one in added)
        {
            Assert.Equal(one.AgentId, (await Store.FindAsync(one.Id, Token))!.AgentId);
        }

        // Sent again, each is known under the id that it has.
        var again = await Store.AddEachAsync([NewEpisode("e0", "red"), NewEpisode("e0", "blue")], Token);
        Assert.Equal([false, false], again.Select(one => one.IsNew));
        Assert.Equal(added.Take(2).Select(one => (one.Id, one.AgentId)).Order(), again.Select(one => (one.Id, one.AgentId)).Order());
        Assert.Equal((20, 20), (await Store.CountAsync("red", Token), await Store.CountAsync("blue", Token)));
    }

    [Fact]
    public async Task A_page_ends_at_a_place_that_is_found_also_when_its_last_episode_is_deleted()
    {
        await Store.AddAsync([.. Enumerable.Range(0, 9).Select(i => NewEpisode($"e{i}", minute: i / 2))], Token);
        var first = await Store.ListAsync(new EpisodeQuery(Limit: 4), Token);
        var place = PageCursor.After(first[^1].CreatedAt, first[^1].Id);
        await Store.DeleteAsync(new EpisodeSelection(Ids: [first[^1].Id]), 1, Token);

        var second = await Store.ListAsync(new EpisodeQuery(Limit: 9, Before: place), Token);

        Assert.Equal(["e4", "e3", "e2", "e1", "e0"], second.Select(episode => episode.Id));
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
        await Store.AddAsync(
            [NewEpisode("a", minute: 1), NewEpisode("b", minute: 3) with { UserInput = new string('x', 500) }, NewEpisode("c", minute: 2)],
            Token
        );

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

        Assert.Equal(
            Enumerable
                .Range(0, 25)
                .Select(i => $"e{i:00}")
                .OrderByDescending(id => int.Parse(id.AsSpan(1), null) / 10)
                .ThenByDescending(id => id),
            seen
        );
    }

    [Fact]
    public async Task Agents_and_times_select()
    {
        await Store.AddAsync([NewEpisode("a", "one", 1), NewEpisode("b", "one", 5), NewEpisode("c", "two", 5)], Token);

        Assert.Equal(
            ["b"],
            (await Store.ListAsync(new EpisodeQuery("one", Start: Noon.AddMinutes(2)), Token)).Select(episode => episode.Id)
        );
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
        var added = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(i =>
                    Task.Run(() =>
                        (i % 2 == 0 ? Store : other).AddAsync(
                            [.. (i % 4 < 2 ? ids : ids.AsEnumerable().Reverse()).Select(id => NewEpisode(id))],
                            Token
                        )
                    )
                )
        );

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

    [Fact]
    public async Task A_deletion_takes_steps_of_the_size_asked_for_oldest_first_and_what_refers_to_the_episodes_goes_with_them()
    {
        await Store.AddAsync(
            [.. Enumerable.Range(0, 25).Select(i => NewEpisode($"e{i:00}", minute: i) with { SessionId = i < 23 ? "s" : "other" })],
            Token
        );
        await Get<IRewardStore>().AddAsync([NewReward("r1", "e00", 1), NewReward("r2", "e00", -1), NewReward("r3", "e24", 0.5)], Token);
        var selection = new EpisodeSelection(SessionId: "s");

        var steps = new List<int>();
        do
        {
            steps.Add(await Store.DeleteAsync(selection, 10, Token));
            Assert.Equal(steps.Count < 3 ? $"e{steps.Sum():00}" : "e23", (await Store.ListAsync(new EpisodeQuery(), Token))[^1].Id);
        } while (steps[^1] > 0);

        Assert.Equal([10, 10, 3, 0], steps);
        Assert.Equal(2, await Store.CountAsync("agent", Token));
        Assert.Null(await Get<IRewardStore>().FindAsync("r1", Token));
        Assert.Equal(new RewardSummary(1, 0.5, 0), await Get<IRewardStore>().SummariseAsync("agent", Token));
    }

    [Fact]
    public async Task A_deletion_that_names_nothing_is_refused()
    {
        await Store.AddAsync([NewEpisode("e1")], Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => Store.DeleteAsync(new EpisodeSelection(), 10, Token));

        Assert.Equal("What to delete must be named: ids, a session, a user, an agent or an age.", error.Message);
        Assert.Equal(0, await Store.DeleteAsync(new EpisodeSelection(Ids: []), 10, Token));
        Assert.Equal(1, await Store.CountAsync(null, Token));
    }

    [Fact]
    public async Task A_removed_payload_leaves_the_facts()
    {
        await Store.AddAsync(
            [
                NewEpisode("e1") with
                {
                    ToolCalls = [new("tool", "{}", "1", 1, null)],
                    Intent = "ask",
                    Messages = [new("user", "hi")],
                },
                NewEpisode("e2", minute: 5),
            ],
            Token
        );

        Assert.Equal(["e1"], await Store.WithPayloadAsync(new EpisodeSelection(AgentId: "agent"), 1, Token));
        Assert.Equal(1, await Store.RemovePayloadsAsync(new EpisodeSelection(OlderThan: Noon.AddMinutes(1)), 10, Token));
        Assert.Equal(["e2"], await Store.WithPayloadAsync(new EpisodeSelection(AgentId: "agent"), 10, Token));
        Assert.Equal(0, await Store.RemovePayloadsAsync(new EpisodeSelection(OlderThan: Noon.AddMinutes(1)), 10, Token));

        var left = (await Store.FindAsync("e1", Token))!;
        Assert.Equal(("", "", true, "ask"), (left.UserInput, left.AssistantOutput, left.PayloadRemoved, left.Intent));
        Assert.Empty(left.Messages);
        Assert.Equal(
            [("e2", 0), ("e1", 1)],
            (await Store.ListAsync(new EpisodeQuery(), Token)).Select(episode => (episode.Id, episode.ToolCallsCount))
        );
        Assert.False((await Store.FindAsync("e2", Token))!.PayloadRemoved);
    }

    [Fact]
    public async Task While_many_write_reward_and_delete_at_once_the_totals_stay_what_a_count_gives()
    {
        var other = await Engine.OpenAsync();
        IServiceProvider[] processes = [Services, other];
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(worker =>
                    Task.Run(async () =>
                    {
                        var (episodes, rewards) = (
                            (IEpisodeStore)processes[worker % 2].GetService(typeof(IEpisodeStore))!,
                            (IRewardStore)processes[worker % 2].GetService(typeof(IRewardStore))!
                        );
                        for (var i = 0; i < 15; i++)
                        {
                            await episodes.AddAsync(
                                [.. Enumerable.Range(0, 4).Select(j => NewEpisode($"e{(i * 3) + j}") with { Intent = $"i{j % 2}" })],
                                Token
                            );
                            try
                            {
                                await rewards.AddAsync(
                                    [
                                        NewReward($"r{worker}.{i}", $"e{i * 3}", (worker - 4) / 4.0),
                                        NewReward($"s{worker}.{i}", $"e{(i * 3) + 1}", 1),
                                    ],
                                    Token
                                );
                            }
                            catch (LightningException e) when (e.Kind == ErrorKind.NotFound)
                            {
                                // Another had deleted the episode.
                            }

                            await episodes.DeleteAsync(new EpisodeSelection(Ids: [$"e{(i * 3) - 2}", $"e{(i * 3) + 1}"]), 10, Token);
                        }
                    })
                )
        );

        var left = await Store.ReadAsync(new EpisodeQuery(Limit: 7), Token).ToListAsync(Token);
        var values = new List<double>();
        foreach (var episode in left)
        {
            values.AddRange(
                (await Get<IRewardStore>().HistoryAsync(episode.Id, Token)).Where(reward => reward.IsCurrent).Select(reward => reward.Value)
            );
        }

        var summary = await Get<IRewardStore>().SummariseAsync("agent", Token);
        Assert.Equal((left.Count, values.Count), (await Store.CountAsync("agent", Token), summary.Count));
        Assert.Equal(values.Average(), summary.Mean, 9);
    }

    [Fact]
    public async Task Of_writes_at_the_same_time_one_that_is_refused_leaves_the_others_alone()
    {
        await Store.AddAsync([NewEpisode("e1")], Token);
        var rewards = Get<IRewardStore>();

        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 60)
                .Select(i =>
                    Task.Run(async () =>
                    {
                        try
                        {
                            return await rewards.AddAsync(
                                [NewReward($"a{i}", "e1", 0.5), NewReward($"b{i}", i % 3 == 0 ? "nobody" : "e1", 0.25)],
                                Token
                            );
                        }
                        catch (LightningException e) when (e.Kind == ErrorKind.NotFound)
                        {
                            return 0;
                        }
                    })
                )
        );

        Assert.Equal(Enumerable.Range(0, 60).Select(i => i % 3 == 0 ? 0 : 2), outcomes);
        Assert.Equal(80, (await rewards.HistoryAsync("e1", Token)).Count);
    }
}
