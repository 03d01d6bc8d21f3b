using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Testing;
using AgentLightning.Traces;
using static AgentLightning.Tests.Traces.TraceDesk;

namespace AgentLightning.Tests.Traces;

/// <summary>What is read out of a trace, in every form that senders write it.</summary>
public sealed class EpisodeReadingTests
{
    private const string Input = """[{"role":"user","parts":[{"type":"text","content":"Weather in Paris?"}]}]""";
    private const string Output = """[{"role":"assistant","parts":[{"type":"text","content":"Rainy."}],"finish_reason":"stop"}]""";

    private static readonly (string, object?)[] s_call =
    [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-x"),
        ("gen_ai.response.model", "gpt-x-2026"),
        ("gen_ai.response.id", "resp_1"),
        ("gen_ai.usage.input_tokens", 10),
        ("gen_ai.usage.output_tokens", 4),
        ("gen_ai.conversation.id", "session-1"),
        ("user.id", "user-1"),
        ("gen_ai.response.time_to_first_chunk", 0.25),
    ];

    [Fact]
    public async Task The_current_names_on_spans()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "invoke_agent Weather",
                At,
                900,
                [("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "Weather Agent")]
            ),
            OtlpBytes.Span(
                Trace,
                Child,
                Root,
                "chat gpt-x",
                At + 10,
                500,
                [
                    .. s_call,
                    ("gen_ai.input.messages", Input),
                    ("gen_ai.output.messages", Output),
                    ("gen_ai.system_instructions", """[{"type":"text","content":"Be short."}]"""),
                ]
            ),
            OtlpBytes.Span(
                Trace,
                "00f067aa0ba902b8",
                Root,
                "execute_tool get_weather",
                At + 600,
                30,
                [
                    ("gen_ai.operation.name", "execute_tool"),
                    ("gen_ai.tool.name", "get_weather"),
                    ("gen_ai.tool.call.arguments", """{"city":"Paris"}"""),
                    ("gen_ai.tool.call.result", "rainy"),
                ]
            )
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(
            ("Weather in Paris?", "Rainy.", "Weather-Agent", "gpt-x-2026", "session-1", "user-1"),
            (episode.UserInput, episode.AssistantOutput, episode.AgentId, episode.ModelDeployment, episode.SessionId, episode.UserId)
        );
        Assert.Equal(
            (900, 250, Trace, "resp_1", EpisodeStatus.Succeeded),
            (episode.RequestLatencyMs, episode.TimeToFirstTokenMs, episode.TraceId, episode.MessageId, episode.Status)
        );
        Assert.Equal(new TokenUsage(10, 4, 14), episode.TokenUsage);
        Assert.Equal(new EpisodeToolCall("get_weather", """{"city":"Paris"}""", "rainy", 30, null), Assert.Single(episode.ToolCalls));
        Assert.Equal(
            [("system", "Be short."), ("user", "Weather in Paris?"), ("assistant", "Rainy.")],
            episode.Messages.Select(message => (message.Role, message.Content!))
        );
        Assert.Equal("openai", episode.Metadata!["provider"]);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(At), episode.CreatedAt);
    }

    [Fact]
    public async Task Messages_as_structured_values_with_tool_calls_and_both_names_of_an_answer()
    {
        await using var desk = await OpenAsync();
        (string, object?)[] Part(params (string, object?)[] members) => members;
        object[] messages =
        [
            Part(("role", "user"), ("parts", new object[] { Part(("type", "text"), ("content", "Q")) })),
            Part(
                ("role", "assistant"),
                (
                    "parts",
                    new object[]
                    {
                        Part(("type", "reasoning"), ("content", "hm")),
                        Part(("type", "tool_call"), ("id", "c1"), ("name", "t"), ("arguments", Part(("a", 1)))),
                    }
                )
            ),
            Part(("role", "tool"), ("parts", new object[] { Part(("type", "tool_call_response"), ("id", "c1"), ("result", "one")) })),
        ];
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat",
                At,
                5,
                [.. s_call, ("gen_ai.input.messages", messages), ("gen_ai.output.messages", Output)]
            )
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(["user", "assistant", "tool", "assistant"], episode.Messages.Select(message => message.Role));
        Assert.Equal(new MessageToolCall("c1", "t", """{"a":1}"""), Assert.Single(episode.Messages[1].ToolCalls!));
        Assert.Equal(("one", "c1"), (episode.Messages[2].Content, episode.Messages[2].ToolCallId));
        // No span tells of the tool, but the messages do.
        Assert.Equal(new EpisodeToolCall("t", """{"a":1}""", "one", 0, null), Assert.Single(episode.ToolCalls));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Operation_details_that_come_as_a_log_record_in_any_order(bool logFirst)
    {
        await using var desk = await OpenAsync();
        var log = OtlpBytes.Log(
            Trace,
            Root,
            "gen_ai.client.inference.operation.details",
            At + 100,
            null,
            ("gen_ai.input.messages", Input),
            ("gen_ai.output.messages", Output)
        );
        var span = OtlpBytes.Span(Trace, Root, null, "chat gpt-x", At, 500, s_call);
        if (logFirst)
        {
            await desk.SendLogsAsync(log);
            await desk.SendAsync(span);
        }
        else
        {
            await desk.SendAsync(span);
            await desk.SendLogsAsync(log);
        }

        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(("Weather in Paris?", "Rainy.", 14), (episode.UserInput, episode.AssistantOutput, episode.TokenUsage!.Total));
    }

    [Fact]
    public async Task A_log_record_that_comes_after_the_reading_changes_the_episode()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(OtlpBytes.Span(Trace, Root, null, "chat gpt-x", At, 500, s_call));
        await desk.ReadAsync();
        Assert.Equal("", (await desk.EpisodeAsync())!.UserInput);

        await desk.SendLogsAsync(
            OtlpBytes.Log(
                Trace,
                Root,
                "gen_ai.client.inference.operation.details",
                At + 100,
                null,
                ("gen_ai.input.messages", Input),
                ("gen_ai.output.messages", Output)
            )
        );
        await desk.ReadAsync();

        Assert.Equal("Rainy.", (await desk.EpisodeAsync())!.AssistantOutput);
    }

    [Fact]
    public async Task The_older_message_events_as_log_records()
    {
        await using var desk = await OpenAsync();
        (string, object?)[] Body(params (string, object?)[] members) => members;
        await desk.SendLogsAsync(
            OtlpBytes.Log(
                Trace,
                Root,
                "gen_ai.choice",
                At + 3,
                Body(("index", 0), ("finish_reason", "stop"), ("message", Body(("content", "Rainy."))))
            ),
            OtlpBytes.Log(Trace, Root, "gen_ai.system.message", At + 1, Body(("content", "Be short."))),
            OtlpBytes.Log(Trace, Root, "gen_ai.user.message", At + 2, Body(("content", "Weather in Paris?")))
        );
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat gpt-x",
                At,
                500,
                [
                    ("gen_ai.system", "openai"),
                    ("gen_ai.request.model", "gpt-x"),
                    ("gen_ai.usage.prompt_tokens", 3),
                    ("gen_ai.usage.completion_tokens", 2),
                ]
            )
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(
            [("system", "Be short."), ("user", "Weather in Paris?"), ("assistant", "Rainy.")],
            episode.Messages.Select(message => (message.Role, message.Content!))
        );
        Assert.Equal(
            ("Weather in Paris?", "Rainy.", 5, "openai"),
            (episode.UserInput, episode.AssistantOutput, episode.TokenUsage!.Total, episode.Metadata!["provider"])
        );
    }

    [Fact]
    public async Task The_older_message_events_on_the_span_with_their_content_as_json()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat.completions gpt-x",
                At,
                500,
                [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "gpt-x")],
                [
                    OtlpBytes.Event(
                        "gen_ai.user.message",
                        At + 1,
                        ("gen_ai.event.content", """{"role":"user","content":"Weather in Paris?"}""")
                    ),
                    OtlpBytes.Event(
                        "gen_ai.assistant.message",
                        At + 2,
                        (
                            "gen_ai.event.content",
                            """{"role":"assistant","tool_calls":[{"id":"c1","function":{"name":"t","arguments":"{}"},"type":"function"}]}"""
                        )
                    ),
                    OtlpBytes.Event(
                        "gen_ai.tool.message",
                        At + 3,
                        ("gen_ai.event.content", """{"role":"tool","content":"rain","id":"c1"}""")
                    ),
                    OtlpBytes.Event(
                        "gen_ai.choice",
                        At + 4,
                        ("gen_ai.event.content", """{"index":0,"message":{"role":"assistant","content":"Rainy."},"finish_reason":"stop"}""")
                    ),
                ]
            )
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(("Weather in Paris?", "Rainy."), (episode.UserInput, episode.AssistantOutput));
        Assert.Equal(new EpisodeToolCall("t", "{}", "rain", 0, null), Assert.Single(episode.ToolCalls));
    }

    [Fact]
    public async Task The_oldest_numbered_attributes_with_token_ids()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "openai.chat.completion",
                At,
                500,
                [
                    ("gen_ai.request.model", "gpt-x"),
                    ("gen_ai.prompt.0.role", "system"),
                    ("gen_ai.prompt.0.content", "Be short."),
                    ("gen_ai.prompt.1.role", "user"),
                    ("gen_ai.prompt.1.content", "Weather in Paris?"),
                    ("gen_ai.completion.0.role", "assistant"),
                    ("gen_ai.completion.0.content", "Rainy."),
                    ("gen_ai.completion.0.tool_calls.0.id", "c1"),
                    ("gen_ai.completion.0.tool_calls.0.name", "t"),
                    ("gen_ai.completion.0.tool_calls.0.arguments", "{}"),
                    ("prompt_token_ids", new[] { 1, 2 }),
                    ("response_token_ids", new[] { 3 }),
                    ("logprobs.content", """[{"token":"R","logprob":-0.5}]"""),
                ]
            )
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(("Weather in Paris?", "Rainy.", 3), (episode.UserInput, episode.AssistantOutput, episode.Messages.Count));
        Assert.Equal("t", Assert.Single(episode.ToolCalls).ToolName);
        Assert.Equivalent(new EpisodeTokens([1, 2], [3], [-0.5]), episode.Tokens, strict: true);
    }

    [Fact]
    public async Task OpenInference()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "agent",
                At,
                900,
                [
                    ("openinference.span.kind", "AGENT"),
                    ("input.value", "Weather in Paris?"),
                    ("output.value", "It rains."),
                    ("session.id", "s-1"),
                    ("tag.tags", new[] { "a", "b" }),
                ]
            ),
            OtlpBytes.Span(
                Trace,
                Child,
                Root,
                "ChatCompletion",
                At + 10,
                500,
                [
                    ("openinference.span.kind", "LLM"),
                    ("llm.model_name", "gpt-x"),
                    ("llm.provider", "openai"),
                    ("llm.token_count.prompt", 3),
                    ("llm.token_count.completion", 2),
                    ("llm.input_messages.0.message.role", "user"),
                    ("llm.input_messages.0.message.contents.0.message_content.type", "text"),
                    ("llm.input_messages.0.message.contents.0.message_content.text", "Weather?"),
                    ("llm.output_messages.0.message.role", "assistant"),
                    ("llm.output_messages.0.message.tool_calls.0.tool_call.id", "c1"),
                    ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "t"),
                    ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "{}"),
                ]
            ),
            OtlpBytes.Span(
                Trace,
                "00f067aa0ba902b8",
                Root,
                "t",
                At + 600,
                30,
                [("openinference.span.kind", "TOOL"), ("tool.name", "t"), ("input.value", "{}"), ("output.value", "rain")],
                status: 2,
                message: "late"
            )
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(
            ("Weather in Paris?", "It rains.", "gpt-x", "s-1", 5),
            (episode.UserInput, episode.AssistantOutput, episode.ModelDeployment, episode.SessionId, episode.TokenUsage!.Total)
        );
        Assert.Equal(new EpisodeToolCall("t", "{}", "rain", 30, "late"), Assert.Single(episode.ToolCalls));
        Assert.Equal(["a", "b"], episode.Tags);
        Assert.Equal(new MessageToolCall("c1", "t", "{}"), Assert.Single(episode.Messages[^1].ToolCalls!));
    }

    [Fact]
    public async Task The_names_of_the_emit_calls()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "agentlightning.operation",
                At,
                900,
                [
                    ("agentlightning.operation.name", "solve"),
                    ("agentlightning.operation.input.question", "1+1"),
                    ("agentlightning.operation.output", "2"),
                ]
            ),
            OtlpBytes.Span(
                Trace,
                Child,
                Root,
                "agentlightning.operation",
                At + 1,
                7,
                [("agentlightning.operation.name", "add"), ("agentlightning.operation.input.a", 1), ("agentlightning.operation.output", 2)]
            ),
            OtlpBytes.Span(
                Trace,
                "00f067aa0ba902b8",
                Root,
                "agentlightning.message",
                At + 2,
                0,
                [("agentlightning.message.body", "thinking"), ("agentlightning.tag.0", "math")]
            ),
            OtlpBytes.Span(
                Trace,
                "00f067aa0ba902b9",
                Root,
                "agentlightning.object",
                At + 3,
                0,
                [("agentlightning.object.type", "int"), ("agentlightning.object.literal", "7")]
            ),
            OtlpBytes.Span(
                Trace,
                "00f067aa0ba902ba",
                Root,
                "agentlightning.exception",
                At + 4,
                0,
                [("exception.type", "ValueError"), ("exception.message", "bad")]
            ),
            OtlpBytes.Span(
                Trace,
                "00f067aa0ba902bb",
                Root,
                "agentlightning.annotation",
                At + 5,
                0,
                [
                    ("agentlightning.reward.0.name", "primary"),
                    ("agentlightning.reward.0.value", 0.95),
                    ("agentlightning.reward.1.name", "speed"),
                    ("agentlightning.reward.1.value", 3.0),
                ]
            )
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(
            ("""{"question":"1+1"}""", "2", "ValueError: bad", EpisodeStatus.Failed),
            (episode.UserInput, episode.AssistantOutput, episode.Error, episode.Status)
        );
        Assert.Equal(new EpisodeToolCall("add", """{"a":1}""", "2", 7, null), Assert.Single(episode.ToolCalls));
        Assert.Equal([("message", "thinking"), ("object", "7")], episode.Messages.Select(message => (message.Role, message.Content!)));
        Assert.Equal(["math"], episode.Tags);
        Assert.Equal(
            [("primary", 0.95, (double?)null), ("speed", 1, 3)],
            (await desk.RewardsAsync())
                .OrderBy(reward => reward.Evaluator)
                .Select(reward => (reward.Evaluator, reward.Value, reward.RawValue))
        );
    }

    [Fact]
    public async Task Evaluation_results_become_rewards_once_however_often_they_come()
    {
        await using var desk = await OpenAsync();
        var span = OtlpBytes.Span(
            Trace,
            Root,
            null,
            "chat gpt-x",
            At,
            500,
            [.. s_call, ("gen_ai.input.messages", Input), ("gen_ai.output.messages", Output)],
            [
                OtlpBytes.Event(
                    "gen_ai.evaluation.result",
                    At + 400,
                    ("gen_ai.evaluation.name", "relevance"),
                    ("gen_ai.evaluation.score.value", 0.9),
                    ("gen_ai.evaluation.score.label", "good"),
                    ("gen_ai.evaluation.explanation", "on topic")
                ),
            ]
        );
        var log = OtlpBytes.Log(
            Trace,
            Root,
            "gen_ai.evaluation.result",
            At + 600,
            null,
            ("gen_ai.evaluation.name", "safety"),
            ("gen_ai.evaluation.score.value", 2.0),
            ("agentlightning.score.min", 0),
            ("agentlightning.score.max", 4)
        );
        for (var i = 0; i < 3; i++)
        {
            await desk.SendAsync(span);
            await desk.SendLogsAsync(log);
            await desk.ReadAsync();
        }

        var rewards = (await desk.RewardsAsync()).OrderBy(reward => reward.Evaluator).ToList();
        Assert.Equal(
            [("relevance", 0.8, 0.9, "0..1", RewardSource.EvalScore), ("safety", 0, 2, "0..4", RewardSource.EvalScore)],
            rewards.Select(reward => (reward.Evaluator, Math.Round(reward.Value, 9), reward.RawValue!.Value, reward.Scale!, reward.Source))
        );
        Assert.Equal("good: on topic", rewards[0].Comments);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_score_that_only_names_the_answer_finds_its_episode_whichever_comes_first(bool scoreFirst)
    {
        await using var desk = await OpenAsync();
        var answer = OtlpBytes.Span(
            Trace,
            Root,
            null,
            "chat gpt-x",
            At,
            500,
            [.. s_call, ("gen_ai.response.id", "chatcmpl-7"), ("gen_ai.input.messages", Input), ("gen_ai.output.messages", Output)]
        );
        var alone = Score(null, null, "chatcmpl-7", "alone", 1);
        var elsewhere = Score("11112222333344445555666677778888", Child, "chatcmpl-7", "elsewhere", 0);
        for (var i = 0; i < 2; i++)
        {
            await (scoreFirst ? desk.SendLogsAsync(alone, elsewhere) : desk.SendAsync(answer));
            await desk.ReadAsync(60);
            await (scoreFirst ? desk.SendAsync(answer) : desk.SendLogsAsync(alone, elsewhere));
            await desk.ReadAsync(60);
            await desk.ReadAsync(600);
        }

        Assert.Equal(
            [("alone", 1.0), ("elsewhere", -1)],
            (await desk.RewardsAsync()).OrderBy(reward => reward.Evaluator).Select(reward => (reward.Evaluator, reward.Value))
        );
        Assert.Equal(1, await desk.Product.Get<IEpisodeStore>().CountAsync(null, Token));
        await desk.Product.Get<IEpisodeStore>().DeleteAsync(new EpisodeSelection(Ids: [Trace]), 10, Token);
        Assert.Equal(0, await desk.Store.CountAsync(Token));
    }

    [Fact]
    public async Task A_score_of_another_agents_answer_counts_only_from_who_may_write_for_every_agent()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat gpt-x",
                At,
                500,
                [.. s_call, ("gen_ai.response.id", "chatcmpl-7"), ("gen_ai.input.messages", Input), ("gen_ai.output.messages", Output)]
            )
        );
        var body = OtlpBytes.Request("judge", "scope", [Score(null, null, "chatcmpl-7", "mine", 1)]);
        await desk.SendBodyAsync(body, SpanForm.Log, mayWrite: agent => agent == "judge");
        await desk.ReadAsync(60);
        await desk.ReadAsync(7200);
        Assert.Empty(await desk.RewardsAsync());
        Assert.Equal(0, await desk.Store.CountPendingAsync(Token));

        await desk.SendBodyAsync(OtlpBytes.Request("judge", "scope", [Score(null, null, "chatcmpl-7", "all", 1, later: 1)]), SpanForm.Log);
        await desk.ReadAsync(60);
        Assert.Equal("all", Assert.Single(await desk.RewardsAsync()).Evaluator);
    }

    private static byte[] Score(string? trace, string? span, string response, string name, double score, int later = 0) =>
        OtlpBytes.Log(
            trace,
            span,
            "gen_ai.evaluation.result",
            At + 600 + later,
            null,
            ("gen_ai.evaluation.name", name),
            ("gen_ai.evaluation.score.value", score),
            ("gen_ai.response.id", response)
        );

    [Fact]
    public async Task A_call_that_two_layers_tell_of_is_counted_once()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat gpt-x",
                At,
                900,
                [.. s_call, ("gen_ai.input.messages", Input), ("gen_ai.output.messages", Output)]
            ),
            OtlpBytes.Span(Trace, Child, Root, "chat gpt-x", At + 10, 800, s_call)
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal((14, "Rainy."), (episode.TokenUsage!.Total, episode.AssistantOutput));
    }

    [Fact]
    public async Task A_missing_root_is_synthesised_when_the_trace_is_quiet()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(Trace, Child, Root, "chat gpt-x", At, 100, [.. s_call, ("gen_ai.input.messages", Input)]),
            OtlpBytes.Span(Trace, "00f067aa0ba902b8", Root, "chat gpt-x", At + 200, 100, [.. s_call, ("gen_ai.output.messages", Output)])
        );
        await desk.ReadAsync(29);
        Assert.Null(await desk.EpisodeAsync());

        await desk.ReadAsync(1);

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(
            ("Weather in Paris?", "Rainy.", 300, 28, "synthesised"),
            (episode.UserInput, episode.AssistantOutput, episode.RequestLatencyMs, episode.TokenUsage!.Total, episode.Metadata!["root"])
        );
    }

    [Fact]
    public async Task A_failed_root_is_a_failed_episode_that_says_why()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat",
                At,
                5,
                [.. s_call, ("error.type", "timeout"), ("gen_ai.input.messages", Input)],
                [OtlpBytes.Event("exception", At, ("exception.type", "TimeoutException"), ("exception.message", "too late"))],
                status: 2,
                message: "failed"
            )
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal((EpisodeStatus.Failed, "TimeoutException: too late"), (episode.Status, episode.Error));
    }

    [Fact]
    public async Task A_trace_without_anything_of_agents_gives_no_episode_and_keeps_its_spans()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(Trace, Root, null, "GET /health", At, 5, [("http.request.method", "GET"), ("session.id", "s")])
        );
        await desk.ReadAsync(100);

        Assert.Null(await desk.EpisodeAsync());
        Assert.Equal(1, await desk.Store.CountAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await desk.Store.CountPendingAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Clocks_that_are_wrong_give_no_wrong_times()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(Trace, Root, null, "chat", At + 100L * 24 * 3600 * 1000, -50, [.. s_call, ("gen_ai.input.messages", Input)])
        );
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal((DateTimeOffset.FromUnixTimeMilliseconds(At), 0), (episode.CreatedAt, episode.RequestLatencyMs));
    }

    [Fact]
    public async Task Spans_that_name_each_other_as_parents_are_read_all_the_same()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(Trace, Root, Child, "chat", At, 5, [.. s_call, ("gen_ai.input.messages", Input)]),
            OtlpBytes.Span(Trace, Child, Root, "chat", At, 5, s_call),
            OtlpBytes.Span(Trace, "00f067aa0ba902b8", "00f067aa0ba902b8", "chat", At, 5, s_call)
        );
        await desk.ReadAsync(30);

        Assert.Equal("Weather in Paris?", (await desk.EpisodeAsync())!.UserInput);
    }

    [Fact]
    public async Task The_same_spans_in_any_order_and_in_any_requests_give_the_same_episode()
    {
        byte[][] spans =
        [
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "invoke_agent",
                At,
                900,
                [("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "a")]
            ),
            OtlpBytes.Span(Trace, Child, Root, "chat", At + 10, 100, [.. s_call, ("gen_ai.input.messages", Input)]),
            OtlpBytes.Span(
                Trace,
                "00f067aa0ba902b8",
                Root,
                "execute_tool t",
                At + 120,
                30,
                [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "t")]
            ),
            OtlpBytes.Span(Trace, "00f067aa0ba902b9", Root, "chat", At + 160, 100, [.. s_call, ("gen_ai.output.messages", Output)]),
        ];
        string? first = null;
        foreach (var seed in Enumerable.Range(0, 12))
        {
            await using var desk = await OpenAsync();
            var order = spans.ToArray();
            new Random(seed).Shuffle(order);
            foreach (var request in order.Chunk(1 + (seed % 4)))
            {
                await desk.SendAsync(request);
            }

            await desk.ReadAsync();
            var read = JsonSerializer.Serialize(await desk.EpisodeAsync());
            Assert.Equal(first ??= read, read);
        }
    }
}
