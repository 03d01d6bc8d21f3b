using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Rewards;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class DatasetBuildConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly Scope s_owner = Scope.Owner("test");

    private BuildDataset Build => Get<BuildDataset>();

    [Fact]
    public async Task A_conversation_is_learned_with_its_tools_and_a_single_answer_with_its_trace()
    {
        await AddAsync(
            NewEpisode("talk", minute: 1) with
            {
                SessionId = "s1",
                Intent = "parcels",
                Messages =
                [
                    new EpisodeMessage("developer", "Be short."),
                    new EpisodeMessage("user", "Where is \"order\" 7?\n📦"),
                    new EpisodeMessage("assistant", null, ToolCalls: [new MessageToolCall(null, "track", """{"id":7}""")]),
                    new EpisodeMessage("tool", "late"),
                    new EpisodeMessage("assistant", "It is late."),
                ],
            },
            1
        );
        await AddAsync(
            NewEpisode("single", minute: 2) with
            {
                ToolCalls =
                [
                    new EpisodeToolCall("look", """{"a":1}""", "found", 1, null),
                    new EpisodeToolCall("long", new string('x', 201), new string('y', 501), 1, null),
                    new EpisodeToolCall("broken", null, null, 1, "no such thing"),
                ],
            },
            0.5
        );

        var rows = await RowsAsync<ChatRow>(new DatasetInput("agent", SystemPrompt: "You are a shop."));

        Assert.Equal(["s1", InputKeys.Of("input of single")], rows.Select(row => row.Key));
        Assert.Equal([1, 0.5], rows.Select(row => row.Reward));
        Assert.Equal(("parcels", null), (rows[0].Slice, rows[1].Slice));
        Assert.Equal(
            JsonSerializer.Serialize(
                new DatasetMessage[]
                {
                    new("system", "Be short."),
                    new("user", "Where is \"order\" 7?\n📦"),
                    new("assistant", null, [new DatasetToolCall("call_1", "track", """{"id":7}""")]),
                    new("tool", "late", null, "call_1"),
                    new("assistant", "It is late."),
                }
            ),
            JsonSerializer.Serialize(rows[0].Messages)
        );
        Assert.Equal(["system", "user", "assistant"], rows[1].Messages.Select(message => message.Role));
        Assert.Equal("You are a shop.", rows[1].Messages[0].Content);
        Assert.Equal(
            "[Tool: look] Args: {\"a\":1} → found\n[Tool: long]\n[Tool: broken] → Error: no such thing\n\noutput of single",
            rows[1].Messages[^1].Content
        );
    }

    [Fact]
    public async Task Without_tools_only_what_was_said_is_learned()
    {
        await AddAsync(
            NewEpisode("talk") with
            {
                Messages =
                [
                    new EpisodeMessage("user", "Where is it?"),
                    new EpisodeMessage("assistant", "I look.", ToolCalls: [new MessageToolCall("c", "track", "{}")]),
                    new EpisodeMessage("tool", "late", ToolCallId: "c"),
                ],
                AssistantOutput = "Late.",
                ToolCalls = [new EpisodeToolCall("track", "{}", "late", 1, null)],
            },
            1
        );

        var row = Assert.Single(await RowsAsync<ChatRow>(new DatasetInput("agent", IncludeTools: false)));

        Assert.Equal(["Where is it?", "I look.", "Late."], row.Messages.Select(message => message.Content));
        Assert.All(row.Messages, message => Assert.Null(message.ToolCalls));
    }

    [Fact]
    public async Task What_is_left_out_is_counted_by_the_first_reason_that_holds()
    {
        await AddAsync(NewEpisode("good") with { Tags = ["vip"], ModelDeployment = "m1", DeploymentId = "d1" }, 0.8);
        await AddAsync(NewEpisode("own") with { Internal = true }, 1);
        await AddAsync(NewEpisode("failed") with { Status = EpisodeStatus.Failed }, 1);
        await AddAsync(NewEpisode("model") with { ModelDeployment = "m2" }, 1);
        await AddAsync(NewEpisode("release") with { ModelDeployment = "m1" }, 1);
        await AddAsync(NewEpisode("tag") with { ModelDeployment = "m1", DeploymentId = "d1", Tags = ["viper"] }, 1);
        await AddAsync(NewEpisode("unrewarded") with { ModelDeployment = "m1", DeploymentId = "d1", Tags = ["vip"] }, null);
        await AddAsync(NewEpisode("low") with { ModelDeployment = "m1", DeploymentId = "d1", Tags = ["a", "vip"] }, 0.4);
        await AddAsync(NewEpisode("empty") with { ModelDeployment = "m1", DeploymentId = "d1", Tags = ["vip"], AssistantOutput = " " }, 1);
        await AddAsync(NewEpisode("old") with { CreatedAt = Noon.AddDays(-2) }, 1);
        await AddAsync(NewEpisode("foreign", "other"), 1);

        var preview = await Build.PreviewAsync(
            s_owner,
            new DatasetInput(
                "agent",
                MinReward: 0.5,
                StartDate: "2026-03-04",
                Tags: ["vip"],
                Models: ["m1"],
                Releases: ["d1"],
                Sources: ["human_approval"]
            ),
            Token
        );

        Assert.Equal((1, 0, 1, 10), (preview.TrainingCount, preview.ValidationCount, preview.EpisodeCount, preview.EpisodesSeen));
        Assert.Equal(
            "outside_dates internal not_succeeded other_model other_release other_tags no_reward below_min_reward no_answer",
            string.Join(' ', preview.Excluded.Select(exclusion => EnumText.Of(exclusion.Reason)))
        );
        Assert.All(preview.Excluded, exclusion => Assert.Equal(1, exclusion.Count));
        Assert.Equal(
            "min_reward >= 0.5, sources in [human_approval], created_at >= 2026-03-04T00:00:00Z, tags in [vip], models in [m1], "
                + "releases in [d1]",
            preview.QueryFilter
        );
        Assert.Equal(0, await Get<IDatasetStore>().CountAsync(null, Token));
    }

    [Fact]
    public async Task The_dates_filter_and_nothing_left_says_why()
    {
        await AddAsync(NewEpisode("e1"), 1);

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            Build.ExecuteAsync(s_owner, new DatasetInput("agent", "week", EndDate: "2026-03-03"), Token)
        );

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.StartsWith("No qualifying episodes found for dataset 'week' of agent 'agent'", error.Message, StringComparison.Ordinal);
        Assert.Contains("Of 1 episodes are left out: 1 outside_dates.", error.Message, StringComparison.Ordinal);
        var few = await Assert.ThrowsAsync<LightningException>(() =>
            Build.ExecuteAsync(s_owner, new DatasetInput("agent", "week", MinEpisodes: 2), Token)
        );
        Assert.StartsWith("Only 1 episodes qualify for dataset 'week'", few.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rewards_become_one_as_asked()
    {
        await AddAsync(NewEpisode("e1"), 1);
        await Get<IRewardStore>()
            .AddAsync(
                [
                    NewReward("p", "e1", -0.1, source: RewardSource.LatencyPenalty),
                    NewReward("v", "e1", 0.5, source: RewardSource.EvalScore),
                ],
                Token
            );

        async Task<double> RewardAsync(DatasetInput input) => Assert.Single(await RowsAsync<ChatRow>(input)).Reward;

        Assert.Equal(0.65, await RewardAsync(new DatasetInput("agent")), 9);
        Assert.Equal(1.4 / 3, await RewardAsync(new DatasetInput("agent", Aggregation: "mean")), 9);
        Assert.Equal(0.5, await RewardAsync(new DatasetInput("agent", Sources: ["eval_score"])), 9);
    }

    [Fact]
    public async Task Two_answers_to_one_input_are_a_pair_and_a_correction_is_chosen_over_what_it_corrects()
    {
        await AddAsync(NewEpisode("a1", minute: 1) with { UserInput = "how long?", AssistantOutput = "a week" }, 0.9);
        await AddAsync(NewEpisode("a2", minute: 2) with { UserInput = "How long", AssistantOutput = "no idea" }, -0.5);
        await AddAsync(NewEpisode("a3", minute: 3) with { UserInput = "how long?", AssistantOutput = "soon" }, 0.1);
        await AddAsync(NewEpisode("b1", minute: 4) with { UserInput = "what colour is it?", AssistantOutput = "blue" }, -1, "It is red.");
        await AddAsync(NewEpisode("c1", minute: 5) with { UserInput = "alone" }, 1);
        await AddAsync(NewEpisode("d1", minute: 6) with { UserInput = "the same twice", AssistantOutput = "x" }, 1);
        await AddAsync(NewEpisode("d2", minute: 7) with { UserInput = "the same twice", AssistantOutput = "x" }, -1);

        var built = await Build.ExecuteAsync(s_owner, new DatasetInput("agent", Kind: "preference"), Token);
        var rows = await ReadAsync<PreferenceRow>(built.Dataset);

        Assert.Equal(["a1 a2", "b1"], rows.Select(row => string.Join(' ', row.EpisodeIds)).Order(StringComparer.Ordinal));
        var pair = rows.Single(row => row.EpisodeIds.Count == 2);
        Assert.Equal(
            ("a week", "no idea", 0.9, -0.5),
            (pair.Chosen.Content, pair.Rejected.Content, pair.ChosenReward, pair.RejectedReward)
        );
        Assert.Equal(["how long?"], pair.Messages.Select(message => message.Content));
        var corrected = rows.Single(row => row.EpisodeIds.Count == 1);
        Assert.Equal(
            ("It is red.", "blue", 1, -1),
            (corrected.Chosen.Content, corrected.Rejected.Content, corrected.ChosenReward, corrected.RejectedReward)
        );
        Assert.Equal([new DatasetExclusion(ExclusionReason.NoPair, 4)], built.Summary.Excluded);
    }

    [Fact]
    public async Task The_same_words_in_another_conversation_are_another_input()
    {
        EpisodeMessage[] Talk(string before) => [new("user", before), new("assistant", "Shall I?"), new("user", "yes")];
        await AddAsync(NewEpisode("a1") with { UserInput = "yes", Messages = Talk("cancel it"), AssistantOutput = "done" }, 1);
        await AddAsync(NewEpisode("a2") with { UserInput = "yes", Messages = Talk("send it"), AssistantOutput = "no" }, -1);

        var preview = await Build.PreviewAsync(s_owner, new DatasetInput("agent", Kind: "preference"), Token);

        Assert.Equal(0, preview.EpisodeCount);
    }

    [Fact]
    public async Task An_input_comes_with_all_that_was_answered_to_try_other_answers_on_it()
    {
        await AddAsync(NewEpisode("a1", minute: 1) with { UserInput = "how long?", AssistantOutput = "a week" }, 0.9);
        await AddAsync(NewEpisode("a2", minute: 2) with { UserInput = "How long", AssistantOutput = "no idea" }, -0.5, "two days");

        var row = Assert.Single(await RowsAsync<PromptRow>(new DatasetInput("agent", Kind: "prompts")));

        Assert.Equal("two days", row.Expected);
        Assert.Equal([new DatasetAnswer("a1", "a week", -0.5, 0.9), new DatasetAnswer("a2", "no idea", -0.5, -0.5)], row.Answers);
    }

    [Fact]
    public async Task What_a_reviewer_corrected_is_learned_as_corrected()
    {
        await AddAsync(NewEpisode("a1"), -1, "the right answer");

        var row = Assert.Single(await RowsAsync<ChatRow>(new DatasetInput("agent", MinReward: 0.5)));

        Assert.Equal(("the right answer", 1), (row.Messages[^1].Content, row.Reward));
    }

    [Fact]
    public async Task The_most_rewarded_fill_a_data_set_of_few_rows()
    {
        for (var i = 0; i < 10; i++)
        {
            await AddAsync(NewEpisode($"e{i}", minute: i) with { UserInput = $"question {i} about {i * 17}" }, i / 10.0);
        }

        var built = await Build.ExecuteAsync(s_owner, new DatasetInput("agent", MaxExamples: 3), Token);

        Assert.Equal(["e7", "e8", "e9"], (await ReadAsync<ChatRow>(built.Dataset)).Select(row => row.EpisodeIds[0]));
        Assert.Equal([new DatasetExclusion(ExclusionReason.BeyondMaxExamples, 7)], built.Summary.Excluded);
        Assert.Equal((2, 1), (built.Dataset.TrainingCount, built.Dataset.ValidationCount));
    }

    [Fact]
    public async Task What_says_nearly_the_same_as_what_is_held_out_is_not_learned()
    {
        const string Text =
            "my parcel with the blue lamp and two chairs was to come on monday and it is still not here please look where it is";
        for (var i = 0; i < 30; i++)
        {
            await AddAsync(NewEpisode($"n{i}", minute: i) with { UserInput = $"{Text} {(char)('a' + i % 26)}{i}", SessionId = $"s{i}" }, 1);
        }

        for (var i = 0; i < 30; i++)
        {
            await AddAsync(
                NewEpisode($"u{i}", minute: i) with
                {
                    UserInput = $"{i} unlike {i * 31} others {i * 77}",
                    SessionId = $"u{i}",
                },
                1
            );
        }

        var built = await Build.ExecuteAsync(s_owner, new DatasetInput("agent"), Token);
        var rows = await ReadAsync<ChatRow>(built.Dataset);

        var alike = rows.Where(row => row.EpisodeIds[0][0] == 'n').ToList();
        Assert.NotEmpty(alike);
        Assert.All(alike, row => Assert.Equal(DatasetSide.Validation, row.Side));
        Assert.Equal(30, rows.Count(row => row.EpisodeIds[0][0] == 'u'));
        Assert.Equal(30 - alike.Count, Assert.Single(built.Summary.Excluded, e => e.Reason == ExclusionReason.NearDuplicate).Count);
    }

    [Fact]
    public async Task One_episode_is_learned_from_and_of_three_one_is_held_out()
    {
        await AddAsync(NewEpisode("e1") with { UserInput = "first of all" }, 1);
        var one = await Build.ExecuteAsync(s_owner, new DatasetInput("agent"), Token);
        await AddAsync(NewEpisode("e2") with { UserInput = "then something else" }, 1);
        await AddAsync(NewEpisode("e3") with { UserInput = "a third thing" }, 1);

        var three = await Build.ExecuteAsync(s_owner, new DatasetInput("agent"), Token);

        Assert.Equal((1, 0), (one.Dataset.TrainingCount, one.Dataset.ValidationCount));
        Assert.Equal((2, 1), (three.Dataset.TrainingCount, three.Dataset.ValidationCount));
    }

    [Fact]
    public async Task Large_texts_and_every_sign_come_through()
    {
        var text = string.Concat(Enumerable.Repeat("\"quoted\" \\ tab\t line\n ümläut 日本語 📦 <&> \u0007", 20_000));
        await AddAsync(NewEpisode("big") with { UserInput = text, AssistantOutput = text + "!" }, 1);

        var row = Assert.Single(await RowsAsync<ChatRow>(new DatasetInput("agent")));

        Assert.Equal([text, text + "!"], row.Messages.Select(message => message.Content));
    }

    [Fact]
    public async Task Episodes_of_several_agents_are_one_data_set_for_who_may_see_them()
    {
        await AddAsync(NewEpisode("e1") with { UserInput = "one" }, 1);
        await AddAsync(NewEpisode("e2", "other") with { UserInput = "two" }, 1);
        var input = new DatasetInput("agent", Agents: ["agent", "other"]);

        Assert.Equal(2, (await RowsAsync<ChatRow>(input)).Count);
        var error = await Assert.ThrowsAsync<LightningException>(() =>
            Build.ExecuteAsync(new Scope("key 1", Role.Write, ["agent"]), input, Token)
        );
        Assert.Equal(ErrorKind.Forbidden, error.Kind);
    }

    private async Task AddAsync(Episode episode, double? reward, string? correction = null)
    {
        await Get<IEpisodeStore>().AddAsync([episode], Token);
        if (reward is { } value)
        {
            await Get<IRewardStore>()
                .AddAsync([NewReward("r-" + episode.Id, episode.Id, value, episode.AgentId) with { Correction = correction }], Token);
        }
    }

    private async Task<IReadOnlyList<T>> RowsAsync<T>(DatasetInput input)
        where T : class => await ReadAsync<T>((await Build.ExecuteAsync(s_owner, input, Token)).Dataset);

    private async Task<IReadOnlyList<T>> ReadAsync<T>(Dataset dataset)
        where T : class => await Get<DatasetReader>().ReadRowsAsync<T>(dataset, Token).ToListAsync(Token);
}
