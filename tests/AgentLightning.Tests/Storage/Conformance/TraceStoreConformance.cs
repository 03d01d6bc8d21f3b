using System.Text;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using AgentLightning.Traces;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class TraceStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly TraceOptions s_options = new()
    {
        RootQuiet = TimeSpan.FromSeconds(2),
        Quiet = TimeSpan.FromSeconds(30),
        LongestOpen = TimeSpan.FromSeconds(60),
        LateWindow = TimeSpan.FromMinutes(5),
    };

    private ITraceStore Store => Get<ITraceStore>();

    [Fact]
    public async Task A_span_comes_back_as_it_was_stored()
    {
        var span = NewSpan("a", 1, parent: 7) with
        {
            Name = "chat 🙂 \"m\"",
            Form = SpanForm.Span,
            SessionId = "s",
            UserId = "u",
            Status = SpanStatus.Error,
            Marks = SpanMarks.GenAi | SpanMarks.Score,
            StartNanos = 1_790_000_000_123_456_789,
            EndNanos = long.MaxValue,
            Body = Encoding.UTF8.GetBytes("{\"attributes\":{\"a\":\"日本\"}}"),
        };
        await AddAsync(span);

        Assert.Equivalent(span, Assert.Single(await Store.SpansAsync(span.TraceId, 10, Token)), strict: true);
    }

    [Fact]
    public async Task The_same_span_twice_is_one_and_with_other_content_the_first_stays_and_both_are_counted()
    {
        Assert.Equal(new TraceWriteResult(2, 0, 0), await AddAsync(NewSpan("a", 1), NewSpan("a", 2)));

        Assert.Equal(
            new TraceWriteResult(1, 1, 1),
            await AddAsync(NewSpan("a", 3), NewSpan("a", 1), NewSpan("a", 2) with { Body = "{\"attributes\":{\"other\":1}}"u8.ToArray() })
        );

        Assert.Equal(3, await Store.CountAsync(Token));
        Assert.Equal(NewSpan("a", 2).Body, (await Store.SpansAsync(TraceOf("a"), 10, Token))[1].Body);
        var counts = await Store.CountsAsync(Token);
        Assert.Equal([("conflicts", 1L), ("duplicates", 1L)], counts.Select(count => (count.What, count.Count)));
    }

    [Fact]
    public async Task The_same_span_twice_in_one_group_is_one() =>
        Assert.Equal(new TraceWriteResult(1, 1, 0), await AddAsync(NewSpan("a", 1), NewSpan("a", 1)));

    [Fact]
    public async Task Nothing_is_nothing()
    {
        Assert.Equal(new TraceWriteResult(0, 0, 0), await AddAsync());
        Assert.Empty(await Store.SpansAsync(TraceOf("a"), 10, Token));
        Assert.Empty(await Store.DueAsync(Noon.AddYears(1), 10, Token));
    }

    [Fact]
    public async Task Spans_come_earliest_first_and_no_more_than_asked_for()
    {
        await AddAsync(
            NewSpan("a", 3) with
            {
                StartNanos = 1,
            },
            NewSpan("a", 1) with
            {
                StartNanos = 3,
            },
            NewSpan("a", 2) with
            {
                StartNanos = 2,
            },
            NewSpan("b", 1)
        );

        Assert.Equal(
            ["0000000000000003", "0000000000000002"],
            (await Store.SpansAsync(TraceOf("a"), 2, Token)).Select(span => span.SpanId)
        );
    }

    [Fact]
    public async Task A_trace_with_its_root_is_due_when_it_is_quiet_and_one_without_later()
    {
        await AddAsync(NewSpan("a", 1), NewSpan("a", 2, parent: 1), NewSpan("b", 2, parent: 1));

        Assert.Empty(await DueAsync(1.9));
        Assert.Equal([TraceOf("a")], await DueAsync(2));
        Assert.Equal([TraceOf("a"), TraceOf("b")], await DueAsync(30));
        await AddAsync(NewSpan("a", 3, parent: 1, second: 10));
        Assert.Empty(await DueAsync(11.9));
        Assert.Equal([TraceOf("a")], await DueAsync(12));
    }

    [Fact]
    public async Task A_trace_that_is_never_quiet_is_due_in_the_end()
    {
        for (var second = 0; second < 70; second++)
        {
            await AddAsync(NewSpan("a", second + 2, parent: 1, second: second));
        }

        Assert.Empty(await DueAsync(59));
        Assert.Equal([TraceOf("a")], await DueAsync(60));
    }

    [Fact]
    public async Task What_was_read_is_due_again_only_when_spans_come_within_the_late_window()
    {
        await AddAsync(NewSpan("a", 1));
        await Get<IEpisodeStore>().AddAsync([NewEpisode("e1")], Token);
        await ReadAsync("e1", 2);
        Assert.Empty(await DueAsync(1_000));

        await AddAsync(NewSpan("a", 2, parent: 1, second: 100));
        var again = Assert.Single(await Store.DueAsync(Noon.AddSeconds(102), 10, Token));
        Assert.Equal("e1", again.EpisodeId);
        await ReadAsync("e1", 102);

        await AddAsync(NewSpan("a", 3, parent: 1, second: 400));
        Assert.Empty(await DueAsync(10_000));
        Assert.Equal(3, (await Store.SpansAsync(TraceOf("a"), 10, Token)).Count);
    }

    [Fact]
    public async Task A_span_that_comes_while_its_trace_is_read_makes_it_due_again()
    {
        await AddAsync(NewSpan("a", 1));
        var due = Assert.Single(await Store.DueAsync(Noon.AddSeconds(5), 10, Token));
        await AddAsync(NewSpan("a", 2, parent: 1, second: 5));

        await Store.MarkReadAsync([new AssembledTrace(due, null)], Noon.AddSeconds(5), Token);

        Assert.Equal([TraceOf("a")], await DueAsync(7));
    }

    [Fact]
    public async Task Pending_traces_are_there_after_a_restart()
    {
        await AddAsync(NewSpan("a", 1));
        var other = await Engine.OpenAsync();

        Assert.Single(await ((ITraceStore)other.GetService(typeof(ITraceStore))!).DueAsync(Noon.AddSeconds(2), 10, Token));
        Assert.Equal(1, await Store.CountPendingAsync(Token));
    }

    [Fact]
    public async Task Deleting_a_trace_takes_its_spans_and_leaves_the_episode()
    {
        await AddAsync(NewSpan("a", 1), NewSpan("b", 1));
        await Get<IEpisodeStore>().AddAsync([NewEpisode("e1")], Token);
        await ReadAsync("e1", 2);

        Assert.True(await Store.DeleteAsync(TraceOf("a"), Token));
        Assert.False(await Store.DeleteAsync(TraceOf("a"), Token));

        Assert.Equal(1, await Store.CountAsync(Token));
        Assert.NotNull(await Get<IEpisodeStore>().FindAsync("e1", Token));
    }

    [Fact]
    public async Task Traces_go_by_age_in_bounded_steps_with_their_bodies_first()
    {
        await AddAsync([.. Enumerable.Range(0, 5).Select(i => NewSpan($"{i}", 1, second: i)), NewSpan("f", 1, second: 100)]);

        Assert.Equal(3, await Store.DeletePayloadsBeforeAsync(Noon.AddSeconds(50), 3, Token));
        Assert.Equal(2, await Store.DeletePayloadsBeforeAsync(Noon.AddSeconds(50), 3, Token));
        Assert.Equal(0, await Store.DeletePayloadsBeforeAsync(Noon.AddSeconds(50), 3, Token));
        Assert.Equal(6, await Store.CountAsync(Token));
        Assert.Empty((await Store.SpansAsync(TraceOf("4"), 10, Token))[0].Body);
        Assert.NotEmpty((await Store.SpansAsync(TraceOf("f"), 10, Token))[0].Body);
        // What has lost its bodies is not read again.
        Assert.Equal([TraceOf("f")], await DueAsync(1_000));

        Assert.Equal(4, await Store.DeleteBeforeAsync(Noon.AddSeconds(50), 4, Token));
        Assert.Equal(1, await Store.DeleteBeforeAsync(Noon.AddSeconds(50), 4, Token));
        Assert.Equal(1, await Store.CountAsync(Token));
    }

    [Fact]
    public async Task The_bodies_of_an_episode_go_by_its_id_and_what_comes_later_goes_in_its_turn()
    {
        await AddAsync(NewSpan("a", 1), NewSpan("b", 1));
        await Get<IEpisodeStore>().AddAsync([NewEpisode("e1")], Token);
        await ReadAsync("e1", 2);

        await Store.DeletePayloadsOfAsync(["e1", "unknown"], Token);
        Assert.Empty(Assert.Single(await Store.SpansAsync(TraceOf("a"), 10, Token)).Body);
        Assert.NotEmpty(Assert.Single(await Store.SpansAsync(TraceOf("b"), 10, Token)).Body);
        await AddAsync(NewSpan("a", 2, parent: 1, second: 3));
        await AddAsync(NewSpan("a", 3, parent: 1, second: 4));

        // Read again, the episode would lose what the first body told.
        Assert.Equal([TraceOf("b")], await DueAsync(1_000));
        Assert.Equal(1, await Store.DeletePayloadsBeforeAsync(Noon.AddSeconds(50), 1, Token));
        Assert.Equal(1, await Store.DeletePayloadsBeforeAsync(Noon.AddSeconds(50), 10, Token));
        Assert.All(await Store.SpansAsync(TraceOf("a"), 10, Token), span => Assert.Empty(span.Body));
    }

    [Fact]
    public async Task Counts_add_up_and_know_when_they_began()
    {
        await Store.AddAsync(
            [],
            [new TraceCount("s", "c", "spans", 2, Noon, Noon), new TraceCount("s", "d", "spans", 1, Noon, Noon)],
            s_options,
            Token
        );
        await Store.AddAsync([], [new TraceCount("s", "c", "spans", 3, Noon.AddDays(1), Noon.AddDays(1))], s_options, Token);

        Assert.Equal(
            [new TraceCount("s", "c", "spans", 5, Noon, Noon.AddDays(1)), new TraceCount("s", "d", "spans", 1, Noon, Noon)],
            await Store.CountsAsync(Token)
        );
    }

    [Fact]
    public async Task The_agent_of_a_trace_is_the_one_that_began_it()
    {
        await AddAsync(NewSpan("a", 1), NewSpan("b", 1) with { AgentId = "other" });
        await AddAsync(NewSpan("a", 2, parent: 1) with { AgentId = "other" });

        Assert.Equal(
            new Dictionary<string, string> { [TraceOf("a")] = "agent", [TraceOf("b")] = "other" },
            await Store.AgentsAsync([TraceOf("a"), TraceOf("b"), TraceOf("c")], Token)
        );
    }

    [Fact]
    public async Task Writers_at_once_lose_nothing_and_double_nothing()
    {
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(writer =>
                    Task.Run(async () =>
                    {
                        for (var i = 0; i < 10; i++)
                        {
                            // Every span comes from two writers.
                            await AddAsync([
                                .. Enumerable
                                    .Range(0, 20)
                                    .Select(j => NewSpan($"{j % 7}", 1 + (writer / 2 * 1000) + (i * 20) + j, parent: 1)),
                            ]);
                        }
                    })
                )
        );

        Assert.Equal(4 * 10 * 20, await Store.CountAsync(Token));
    }

    [Fact]
    public async Task An_episode_that_was_read_is_replaced_when_spans_come_late_and_keeps_what_others_rely_on()
    {
        var episodes = Get<IEpisodeStore>();
        await episodes.AddAsync([NewEpisode("e1") with { TraceId = TraceOf("a") }, NewEpisode("e2")], Token);
        var late = NewEpisode("e1", "other", minute: 9) with
        {
            TraceId = TraceOf("a"),
            AssistantOutput = "late",
            ModelDeployment = "m",
            ToolCalls = [new("t", null, null, 1, null)],
            TokenUsage = new(1, 2, 3),
        };

        Assert.Equal(
            1,
            await episodes.UpdateReadAsync([late, NewEpisode("e2") with { TraceId = TraceOf("b"), AssistantOutput = "of another" }], Token)
        );

        var read = (await episodes.FindAsync("e1", Token))!;
        Assert.Equal(
            ("late", "m", 1, 3, "other", Noon),
            (read.AssistantOutput, read.ModelDeployment, read.ToolCalls.Count, read.TokenUsage!.Total, read.AgentId, read.CreatedAt)
        );
        Assert.Equal("output of e2", (await episodes.FindAsync("e2", Token))!.AssistantOutput);
    }

    [Fact]
    public async Task An_episode_that_goes_to_another_agent_takes_rewards_feedback_and_totals_along()
    {
        var (episodes, rewards, feedback) = (Get<IEpisodeStore>(), Get<IRewardStore>(), Get<IFeedbackStore>());
        var early = NewEpisode("e1", "service") with { TraceId = TraceOf("a") };
        await episodes.AddAsync([early, NewEpisode("e2", "service")], Token);
        await rewards.AddEachAsync(
            [NewReward("r1", "e1", 0.5, "service"), NewReward("r2", "e1", 1, "service"), NewReward("r3", "e2", -1, "service")],
            Token
        );
        await feedback.AddAsync(
            new MessageFeedback
            {
                Id = "f1",
                EpisodeId = "e1",
                AgentId = "service",
                MessageId = "m1",
                FeedbackType = "thumbs_up",
                RewardScore = 1,
                MessageCreatedAt = Noon,
                CreatedAt = Noon,
                UpdatedAt = Noon,
            },
            Token
        );

        await episodes.UpdateReadAsync([early with { AgentId = "root", Status = EpisodeStatus.Failed }], Token);
        // Made for the agent of before, by who had not seen that it moved.
        await rewards.AddEachAsync([NewReward("r4", "e1", 0.25, "service", RewardSource.EvalScore)], Token);

        Assert.Equal((1, 1), (await episodes.CountAsync("service", Token), await episodes.CountAsync("root", Token)));
        Assert.Equal(new RewardSummary(1, -1, 0), await rewards.SummariseAsync("service", Token));
        var moved = await rewards.SummariseAsync("root", Token);
        Assert.Equal((2, 0.625), (moved.Count, moved.Mean));
        Assert.Equal((0, 1), (await feedback.CountAsync("service", Token), await feedback.CountAsync("root", Token)));
        Assert.All(await rewards.HistoryAsync("e1", Token), reward => Assert.Equal("root", reward.AgentId));
        Assert.All(await Get<StoreCheck>().RunAsync(Token), check => Assert.True(check.Passed, $"{check.Name}: {check.Detail}"));
    }

    [Fact]
    public async Task What_a_reading_found_is_counted_once_however_often_the_trace_is_read()
    {
        await AddAsync(NewSpan("a", 1), NewSpan("b", 1));

        await ReadAsync("a", ("dialect: x", 2), ("inference_without_content", -1));
        await ReadAsync("b", ("dialect: x", 1));
        Assert.Equal([("dialect: x", 3), ("inference_without_content", -1)], await FoundAsync());

        await ReadAsync("a", ("dialect: x", 3));
        await ReadAsync("a", ("dialect: x", 3));
        Assert.Equal([("dialect: x", 4), ("inference_without_content", 0)], await FoundAsync());

        await ReadAsync("a");
        await ReadAsync("b");
        Assert.Equal([("dialect: x", 0), ("inference_without_content", 0)], await FoundAsync());

        Task ReadAsync(string trace, params (string What, long Count)[] found) =>
            Store.MarkReadAsync(
                [
                    new AssembledTrace(
                        new DueTrace(TraceOf(trace), Noon, null, Noon, 1),
                        null,
                        Findings: [.. found.Select(one => new TraceCount("svc", "scope", one.What, one.Count, Noon, Noon))]
                    ),
                ],
                Noon,
                Token
            );

        async Task<List<(string, long)>> FoundAsync() =>
            [.. (await Store.CountsAsync(Token)).Select(count => (count.What, count.Count)).Order()];
    }

    [Fact]
    public async Task A_trace_is_its_roots_when_that_names_its_agent_also_when_it_comes_last()
    {
        await AddAsync(NewSpan("a", 2, 1) with { AgentId = "service" });
        await AddAsync(NewSpan("a", 3, 1) with { AgentId = "step", Marks = SpanMarks.Agent });
        Assert.Equal("service", (await Store.AgentsAsync([TraceOf("a")], Token))[TraceOf("a")]);

        await AddAsync(NewSpan("a", 1) with { AgentId = "root", Marks = SpanMarks.Agent });

        Assert.Equal("root", (await Store.AgentsAsync([TraceOf("a")], Token))[TraceOf("a")]);
    }

    private static string TraceOf(string name) => name.PadLeft(32, 'e');

    private static SpanRecord NewSpan(string trace, int span, int? parent = null, double second = 0) =>
        new()
        {
            TraceId = TraceOf(trace),
            SpanId = $"{span:x16}",
            ParentId = parent is null ? null : $"{parent:x16}",
            Name = $"span {span}",
            AgentId = "agent",
            ReceivedAt = Noon.AddSeconds(second),
            StartNanos = span,
            EndNanos = span + 1,
            Body = Encoding.UTF8.GetBytes($"{{\"attributes\":{{\"n\":{span}}}}}"),
        };

    private Task<TraceWriteResult> AddAsync(params SpanRecord[] spans) => Store.AddAsync(spans, [], s_options, Token);

    private async Task<List<string>> DueAsync(double second) =>
        [.. (await Store.DueAsync(Noon.AddSeconds(second), 10, Token)).Select(due => due.TraceId)];

    private async Task ReadAsync(string episode, int second)
    {
        var due = Assert.Single(await Store.DueAsync(Noon.AddSeconds(second), 10, Token), one => one.TraceId == TraceOf("a"));
        await Store.MarkReadAsync([new AssembledTrace(due, episode)], Noon.AddSeconds(second), Token);
    }
}
