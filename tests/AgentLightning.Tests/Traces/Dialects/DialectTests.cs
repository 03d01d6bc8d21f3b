using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using AgentLightning.Testing;
using AgentLightning.Traces;
using AgentLightning.Traces.Dialects;
using static AgentLightning.Tests.Traces.TraceDesk;

namespace AgentLightning.Tests.Traces.Dialects;

/// <summary>What is read out of the spans of each framework, made from its public description.</summary>
public sealed class DialectTests
{
    [Fact]
    public async Task Vercel_ai_sdk_with_a_tool_below_the_span_of_a_web_server()
    {
        await using var desk = await SentAsync("vercel-ai-sdk");

        var episode = await ReadAsync(desk);
        Assert.Equal(
            ("When does the next tram to Grünerløkka leave?", "Tram 11 leaves at 14:07."),
            (episode.UserInput, episode.AssistantOutput)
        );
        Assert.Equal(
            ("tram-desk", "ride-7", "passenger-3", "claude-x-1", "msg_2"),
            (episode.AgentId, episode.SessionId, episode.UserId, episode.ModelDeployment, episode.MessageId)
        );
        Assert.Equal(new TokenUsage(300, 60, 360), episode.TokenUsage);
        Assert.Equal(240.5, episode.TimeToFirstTokenMs);
        Assert.Equal(("departures", """{"stop":"Grünerløkka"}""", """{"next":"14:07","line":11}"""), ToolOf(episode));
        Assert.Equal(["system", "user", "assistant", "tool", "assistant"], episode.Messages.Select(message => message.Role));
        Assert.Equal(("t1", """{"next":"14:07","line":11}"""), (episode.Messages[3].ToolCallId, episode.Messages[3].Content));
        Assert.Equal("anthropic.messages", episode.Metadata!["provider"]);
    }

    [Fact]
    public async Task Vercel_ai_sdk_4_with_an_object()
    {
        await using var desk = await SentAsync("vercel-ai-sdk-4-object");

        var episode = await ReadAsync(desk);
        Assert.Equal(("Sort: 'My bill is wrong.'", """{"folder":"billing"}"""), (episode.UserInput, episode.AssistantOutput));
        Assert.Equal(("sort-mail", "gpt-x"), (episode.AgentId, episode.ModelDeployment));
        Assert.Equal(new TokenUsage(40, 6, 46), episode.TokenUsage);
    }

    [Fact]
    public async Task Pydantic_ai_1_with_events_in_an_attribute()
    {
        await using var desk = await SentAsync("pydantic-ai-1");

        var episode = await ReadAsync(desk);
        Assert.Equal(("Translate 'fjord' and count its letters.", "An inlet; 5 letters."), (episode.UserInput, episode.AssistantOutput));
        Assert.Equal(("word_smith", "gpt-4o-1"), (episode.AgentId, episode.ModelDeployment));
        Assert.Equal(new TokenUsage(150, 22, 172), episode.TokenUsage);
        Assert.Equal(("count", """{"word":"fjord"}""", "5"), ToolOf(episode));
        Assert.Equal(["system", "user", "assistant", "tool", "assistant"], episode.Messages.Select(message => message.Role));
        Assert.Equal("count", episode.Messages[2].ToolCalls![0].Name);
    }

    [Fact]
    public async Task Pydantic_ai_2_with_a_structured_result()
    {
        await using var desk = await SentAsync("pydantic-ai-2");

        var episode = await ReadAsync(desk);
        Assert.Equal(
            ("Where is the Vigeland park?", """{"city":"Oslo","country":"Norway"}"""),
            (episode.UserInput, episode.AssistantOutput)
        );
        Assert.Equal(("geographer", "trip-1"), (episode.AgentId, episode.SessionId));
        Assert.Equal(("lookup", """{"place":"Vigeland park"}""", """{"city":"Oslo"}"""), ToolOf(episode));
        Assert.Equal(new TokenUsage(210, 31, 241), episode.TokenUsage);
    }

    [Fact]
    public async Task Langgraph_through_openinference_with_the_whole_state_on_the_root()
    {
        await using var desk = await SentAsync("langgraph-openinference");

        var episode = await ReadAsync(desk);
        Assert.Equal(("Who painted The Scream?", "Edvard Munch painted it in 1893."), (episode.UserInput, episode.AssistantOutput));
        Assert.Equal(("visit-4", "guest-2", "gpt-x"), (episode.SessionId, episode.UserId, episode.ModelDeployment));
        Assert.Equal(new TokenUsage(125, 19, 144), episode.TokenUsage);
        Assert.Equal(("museum", "{'work': 'The Scream'}", "Edvard Munch, 1893"), ToolOf(episode));
        Assert.Equal(["user", "assistant", "tool", "assistant"], episode.Messages.Select(message => message.Role));
    }

    [Fact]
    public async Task A_state_alone_is_told_without_its_question_twice()
    {
        await using var desk = await OpenAsync();
        await desk.SendBodyAsync(DialectFixture.Read("langgraph-openinference").Spans(id => id == "e1"), SpanForm.Span, OtlpEncoding.Json);
        await desk.ReadAsync();

        var episode = await ReadAsync(desk);
        Assert.Equal(["user", "assistant", "tool", "assistant"], episode.Messages.Select(message => message.Role));
        Assert.Equal(("museum", """{"work":"The Scream"}""", "Edvard Munch, 1893"), ToolOf(episode));
    }

    [Fact]
    public async Task Langsmith_with_constructors_nested_lists_and_generations()
    {
        await using var desk = await SentAsync("langsmith");

        var episode = await ReadAsync(desk);
        Assert.Equal(("Is the ferry late?", "Yes, B9 is 4 minutes late."), (episode.UserInput, episode.AssistantOutput));
        Assert.Equal(("pier-3", "sailor-1", "gpt-x"), (episode.SessionId, episode.UserId, episode.ModelDeployment));
        Assert.Equal(new TokenUsage(120, 20, 140), episode.TokenUsage);
        Assert.Equal(("ferry", """{"line":"B9"}""", "B9 is 4 minutes late"), ToolOf(episode));
        Assert.Equal(["user", "assistant", "tool", "assistant"], episode.Messages.Select(message => message.Role));
        Assert.Equal("""{"line":"B9"}""", episode.Messages[1].ToolCalls![0].Arguments);
    }

    [Theory]
    [InlineData("strands", "Convert 5 km to miles", "5 km are 3.1 miles.\n", 240, 26)]
    [InlineData("strands-latest", "Convert 5 km to miles", "3.1 miles", 90, 12)]
    public async Task Strands_in_both_of_its_ways(string file, string input, string output, int read, int written)
    {
        await using var desk = await SentAsync(file);

        var episode = await ReadAsync(desk);
        Assert.Equal((input, output, "Unit-Desk"), (episode.UserInput, episode.AssistantOutput, episode.AgentId));
        Assert.Equal(new TokenUsage(read, written, read + written), episode.TokenUsage);
        var (name, arguments, result) = ToolOf(episode);
        Assert.Equal(("convert", "3.1"), (name, result));
        Assert.Contains("""{"km":5}""", arguments, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Genai_0_1_0_with_a_workflow_that_is_an_agent_and_a_retrieval()
    {
        await using var desk = await SentAsync("genai-0.1.0");

        var episode = await ReadAsync(desk);
        Assert.Equal(
            ("Which holidays are in May?", "The 1st and the 17th.", "Report-Flow"),
            (episode.UserInput, episode.AssistantOutput, episode.AgentId)
        );
        Assert.Equal(("retrieval handbook", """{"query":"holidays in May","top_k":3}""", """[{"id":"d1","score":0.9}]"""), ToolOf(episode));
        Assert.Equal("40", episode.Metadata!["top_k"]);
        Assert.Equal(["system", "user", "assistant"], episode.Messages.Select(message => message.Role));
    }

    [Theory]
    [InlineData("openllmetry", "Where is order 7?", "It ships today.", "shop", "cart-2", "gpt-x-1")]
    [InlineData("langfuse", "Open on Sunday?", "No.", "desk", "ls-1", "gpt-x")]
    [InlineData("google-adk", "Rain in Bergen?", "Yes, it rains.", "weather_agent", "adk-1", "gemini-x")]
    [InlineData("genkit", "Something with fish", "Bacalao.", "flows", null, null)]
    [InlineData("mlflow", "What is 2+2?", "4", "ml", null, null)]
    [InlineData("semantic-kernel", "Good morning", "Good morning to you!", "kernel", null, "gpt-x")]
    [InlineData("genai-log-records", "How many K are there?", "There are 12.", "stream", "web-9", "gpt-x")]
    public async Task Others_that_teams_use(string file, string input, string output, string agent, string? session, string? model)
    {
        await using var desk = await SentAsync(file);

        var episode = await ReadAsync(desk);
        Assert.Equal(
            (input, output, agent, session, model),
            (episode.UserInput, episode.AssistantOutput, episode.AgentId, episode.SessionId, episode.ModelDeployment)
        );
    }

    [Theory]
    [InlineData("openllmetry", "status", """{"order":7}""", "ships today")]
    [InlineData("langfuse", "hours", """{"day":"Sunday"}""", "closed")]
    [InlineData("google-adk", "get_weather", """{"city":"Bergen"}""", """{"rain":true}""")]
    [InlineData("genai-log-records", "stock", """{"sku":"K"}""", "12")]
    public async Task Their_tools(string file, string name, string arguments, string result)
    {
        await using var desk = await SentAsync(file);

        Assert.Equal((name, arguments, result), ToolOf(await ReadAsync(desk)));
    }

    /// <summary>Where nothing is lacking, the diagnosis says nothing; and it says in which dialect each was read.</summary>
    [Theory]
    [InlineData("vercel-ai-sdk", "Vercel AI SDK")]
    [InlineData("pydantic-ai-2", "Pydantic AI")]
    [InlineData("langgraph-openinference", "OpenInference")]
    [InlineData("langsmith", "LangSmith")]
    [InlineData("strands", "OpenTelemetry GenAI events")]
    [InlineData("genai-log-records", "OpenTelemetry GenAI events")]
    [InlineData("langfuse", "Langfuse")]
    public async Task The_diagnosis_of_a_trace_that_lacks_nothing(string file, string dialect)
    {
        await using var desk = await SentAsync(file);

        var report = await desk.Product.Get<TraceDiagnostics>().ReadAsync(Token);
        Assert.Empty(report.Findings);
        Assert.Empty(report.NotRead);
        Assert.All(report.Sources, source => Assert.Empty(source.Missing));
        Assert.Contains(report.Sources, source => source.Dialects.ContainsKey(dialect));
        Assert.Contains(dialect, report.Dialects);
    }

    [Fact]
    public async Task An_attribute_that_nobody_reads_is_named_where_the_episode_lacks_its_text()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(
            OtlpBytes.Span(
                DialectFixture.Trace,
                Root,
                null,
                "acme.run",
                At,
                900,
                [("acme.run.prompt", "How deep is the fjord?"), ("http.request.body", "no text of ours"), ("acme.run.input_id", "7")]
            ),
            OtlpBytes.Span(
                DialectFixture.Trace,
                Child,
                Root,
                "chat",
                At + 10,
                500,
                [
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.request.model", "m"),
                    ("gen_ai.usage.input_tokens", 1),
                    ("session.id", "s"),
                    ("acme.messages", """[{"who":"me"}]"""),
                ]
            )
        );
        await desk.ReadAsync();

        var report = await desk.Product.Get<TraceDiagnostics>().ReadAsync(Token);
        Assert.Equal([("acme.messages", 1), ("acme.run.prompt", 1)], report.NotRead.Select(one => (one.Attribute, one.Count)).Order());
        Assert.Contains(report.Findings, finding =>
            finding.StartsWith("svc, scope: 'acme.run.prompt' holds text on 1 spans, which no dialect reads", StringComparison.Ordinal)
            && finding.Contains("Vercel AI SDK", StringComparison.Ordinal)
        );
        Assert.Contains(report.Findings, finding =>
            finding.Contains("1 of 1 calls of a model came without messages", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Messages_and_a_session_that_come_after_the_reading_are_no_longer_missing()
    {
        await using var desk = await OpenAsync();
        var fixture = DialectFixture.Read("genai-log-records");
        await desk.SendBodyAsync(fixture.Spans(id => id != "a1"), SpanForm.Span, OtlpEncoding.Json);
        await desk.ReadAsync(31);
        var before = await desk.Product.Get<TraceDiagnostics>().ReadAsync(Token);
        Assert.Equal(2, before.Sources.Single().Missing["content"]);
        Assert.Equal(2, before.Sources.Single().Missing["session"]);

        await desk.SendBodyAsync(fixture.Logs(), SpanForm.Log, OtlpEncoding.Json);
        await desk.SendBodyAsync(fixture.Spans(id => id == "a1"), SpanForm.Span, OtlpEncoding.Json);
        await desk.ReadAsync(31);

        var after = await desk.Product.Get<TraceDiagnostics>().ReadAsync(Token);
        Assert.Empty(after.Sources.Single().Missing);
        Assert.Equal(2, after.Sources.Single().InferenceSpans);
        Assert.Empty(after.Findings);
    }

    [Fact]
    public async Task The_agent_follows_a_root_that_comes_late_and_its_rewards_and_totals_move()
    {
        await using var desk = await OpenAsync();
        var fixture = DialectFixture.Read("pydantic-ai-1");
        await desk.SendBodyAsync(fixture.Spans(id => id != "b1"), SpanForm.Span, OtlpEncoding.Json);
        await desk.ReadAsync(31);
        Assert.Equal("letters", (await ReadAsync(desk)).AgentId);
        var rewards = desk.Product.Get<IRewardStore>();
        await rewards.AddEachAsync(
            [
                new Reward
                {
                    Id = "r1",
                    EpisodeId = DialectFixture.Trace,
                    AgentId = "letters",
                    Source = RewardSource.HumanApproval,
                    Value = 0.5,
                    CreatedAt = desk.Time.GetUtcNow(),
                },
            ],
            Token
        );

        desk.Time.Advance(TimeSpan.FromSeconds(6));
        await desk.SendBodyAsync(fixture.Spans(id => id == "b1"), SpanForm.Span, OtlpEncoding.Json);
        await desk.ReadAsync();

        var episodes = desk.Product.Get<IEpisodeStore>();
        Assert.Equal("word_smith", (await ReadAsync(desk)).AgentId);
        Assert.Equal((0, 1), (await episodes.CountAsync("letters", Token), await episodes.CountAsync("word_smith", Token)));
        Assert.Equal(0, (await rewards.SummariseAsync("letters", Token)).Count);
        Assert.Equal(new RewardSummary(1, 0.5, 0), await rewards.SummariseAsync("word_smith", Token));
        Assert.All(await desk.Product.Get<StoreCheck>().RunAsync(Token), check =>
            Assert.True(check.Passed, $"{check.Name}: {check.Detail}")
        );
    }

    [Fact]
    public void Each_dialect_has_a_name_of_its_own() =>
        Assert.Equal(TraceDialects.All.Count, TraceDialects.All.Select(dialect => dialect.Name).Distinct().Count());

    private static async Task<TraceDesk> SentAsync(string file)
    {
        var desk = await OpenAsync();
        await DialectFixture.Read(file).SendAsync(desk);
        return desk;
    }

    private static async Task<Episode> ReadAsync(TraceDesk desk) => (await desk.EpisodeAsync(DialectFixture.Trace))!;

    private static (string, string?, string?) ToolOf(Episode episode)
    {
        var call = Assert.Single(episode.ToolCalls);
        return (call.ToolName, call.Arguments, call.Result);
    }
}
