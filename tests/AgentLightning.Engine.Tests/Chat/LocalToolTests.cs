using System.ComponentModel;
using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Common;
using AgentLightning.Engine.Chat;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Testing;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Tests;

/// <summary>A model in this process calls functions in the form that its chat template has.</summary>
public sealed class LocalToolTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly LocalModels _models = new(TimeProvider.System, new Random(1));

    private LocalModelOptions Options => new() { Folder = _folder.File("model"), Threads = 2 };

    public async ValueTask InitializeAsync() =>
        await LanguageModelFolder.CreateAsync(
            _folder.File("model"),
            [Family("qwen2"), "the weather in Oslo: it rains", """{"type": "function", "function": {"name": """],
            width: 64,
            context: 2048
        );

    public ValueTask DisposeAsync()
    {
        _models.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_model_that_has_learned_to_call_a_function_is_answered_and_goes_on()
    {
        UseTemplate(Family("qwen2"));
        var weather = AIFunctionFactory.Create(
            ([Description("Where")] string city) => city == "Oslo" ? "rain" : "sun",
            "weather",
            "Says it"
        );
        var options = new ChatOptions
        {
            Tools = [weather],
            Temperature = 0,
            MaxOutputTokens = 120,
            StopSequences = ["<|im_end|>"],
        };
        await LearnAsync(
            """
            {"messages": [{"role": "user", "content": "Weather in Oslo?"}, {"role": "assistant", "content": "I look.", "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}]},
            {"role": "tool", "content": "rain"}, {"role": "assistant", "content": "It rains."}], "tools": [{"type": "function", "function": {"name": "weather", "description": "Says it", "parameters": SCHEMA}}]}
            """.Replace("SCHEMA", weather.JsonSchema.GetRawText(), StringComparison.Ordinal)
        );
        using var client = _models.CreateChatClient(Options);
        List<ChatMessage> messages = [new(ChatRole.User, "Weather in Oslo?")];

        var asked = await client.GetResponseAsync(messages, options);

        Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
        Assert.Equal("I look.", asked.Text);
        var call = Assert.Single(asked.Messages.Single().Contents.OfType<FunctionCallContent>());
        Assert.Equal(("weather", "Oslo"), (call.Name, call.Arguments!["city"]!.ToString()));
        messages.AddRange(asked.Messages);
        messages.Add(
            new ChatMessage(
                ChatRole.Tool,
                [new FunctionResultContent(call.CallId, await weather.InvokeAsync(new AIFunctionArguments(call.Arguments)))]
            )
        );
        var answer = await client.GetResponseAsync(messages, options);
        Assert.Equal(("It rains.", ChatFinishReason.Stop), (answer.Text.Trim(), answer.FinishReason!.Value));
    }

    [Theory]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("llama3")]
    [InlineData("mistral")]
    [InlineData("zephyr")]
    [InlineData(null)]
    public async Task A_call_that_must_be_made_is_made_whatever_the_model_is_and_fits_the_function(string? family)
    {
        UseTemplate(family is null ? null : Family(family));
        var plan = AIFunctionFactory.Create(
            (long days, Kind kind, Node? node = null) => $"{days} {kind} {node?.Next is null}",
            "plan",
            "Plans"
        );
        var other = AIFunctionFactory.Create(() => "nothing", "other", "Does nothing");
        using var client = _models.CreateChatClient(Options);

        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(seed =>
                    client.GetResponseAsync(
                        "Plan",
                        new ChatOptions
                        {
                            Tools = [plan, other],
                            ToolMode = ChatToolMode.RequireSpecific("plan"),
                            MaxOutputTokens = 200,
                            Seed = seed,
                            AllowMultipleToolCalls = false,
                        }
                    )
                )
        );
        var any = await client.GetResponseAsync(
            "Plan",
            new ChatOptions
            {
                Tools = [plan, other],
                ToolMode = ChatToolMode.RequireAny,
                MaxOutputTokens = 200,
                Seed = 3,
            }
        );

        foreach (var answer in answers)
        {
            Assert.Equal((ChatFinishReason.ToolCalls, ""), (answer.FinishReason!.Value, answer.Text));
            var call = Assert.IsType<FunctionCallContent>(answer.Messages.Single().Contents.First(content => content is not UsageContent));
            Assert.Equal("plan", call.Name);
            Assert.NotNull(await plan.InvokeAsync(new AIFunctionArguments(call.Arguments)));
        }

        Assert.Contains(any.Messages.Single().Contents.OfType<FunctionCallContent>().Single().Name, new[] { "plan", "other" });
    }

    [Theory]
    [InlineData(
        "qwen2",
        "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>",
        "<tool_response>\nrain\n</tool_response>",
        "\"description\": \"Says it\""
    )]
    [InlineData(
        "llama3",
        "{\"name\": \"weather\", \"parameters\": {\"city\": \"Oslo\"}}",
        "<|start_header_id|>ipython<|end_header_id|>\n\n\"rain\"",
        "\"description\": \"Says it\""
    )]
    [InlineData("zephyr", "TOOL_CALL: weather({\"city\":\"Oslo\"})", "Result of the function: rain", "weather: Says it Arguments: {")]
    public async Task The_model_reads_functions_calls_and_results_as_its_template_has_them(string family, params string[] parts)
    {
        UseTemplate(Family(family));
        using var client = _models.CreateChatClient(Options);
        ChatMessage[] messages =
        [
            new(ChatRole.User, "Weather?"),
            new(ChatRole.Assistant, [new FunctionCallContent("1", "weather", new Dictionary<string, object?> { ["city"] = "Oslo" })]),
            new(ChatRole.Tool, [new FunctionResultContent("1", "rain")]),
        ];
        var tools = ToolChoice.Of(new ChatOptions { Tools = [AIFunctionFactory.Create((string city) => city, "weather", "Says it")] });

        var tokenizer = Tokenizer.Load(_folder.File("model"));
        var prompt = tokenizer.Decode(new ChatPrompt(tokenizer, null).Encode(messages, "Be brief.", tools), skipSpecial: false);

        Assert.All([.. parts, "Be brief."], part => Assert.Contains(part, prompt, StringComparison.Ordinal));
        Assert.NotNull((await client.GetResponseAsync(messages, new ChatOptions { MaxOutputTokens = 3 })).Usage);
    }

    [Fact]
    public async Task A_template_whose_calls_are_unknown_is_said_to_be_so()
    {
        UseTemplate("{{ messages[-1].content }}{{ tools }}");
        using var client = _models.CreateChatClient(Options);

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            client.GetResponseAsync("Hi", new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")] })
        );

        Assert.Contains("its calls are none of those that are known", error.Message, StringComparison.Ordinal);
        Assert.NotNull(
            await client.GetResponseAsync(
                "Hi",
                new ChatOptions
                {
                    Tools = [AIFunctionFactory.Create(() => 1, "one")],
                    ToolMode = ChatToolMode.None,
                    MaxOutputTokens = 2,
                }
            )
        );
    }

    [Theory]
    [InlineData(
        "tagged",
        "Let me see. <tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>{\"name\": \"g\"}</tool_call>",
        "Let me see.",
        "f {\"a\":1}",
        "g {}"
    )]
    [InlineData("tagged", "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}", "", "f {\"a\":1}")]
    [InlineData("tagged", "<tool_call>{\"name\": </tool_call>", "<tool_call>{\"name\": </tool_call>")]
    [InlineData("tagged", "a < b and <tool", "a < b and <tool")]
    [InlineData("bare", " {\"name\": \"f\", \"parameters\": {\"a\": 1}}", "", "f {\"a\":1}")]
    [InlineData("bare", "{\"answer\": 1}", "{\"answer\": 1}")]
    [InlineData("bare", "No {\"name\": \"f\"}", "No {\"name\": \"f\"}")]
    [InlineData("list", "[{\"name\": \"f\", \"arguments\": {\"a\": 1}}, {\"name\": \"g\", \"arguments\": {}}]", "", "f {\"a\":1}", "g {}")]
    [InlineData("list", "[1, 2]", "[1, 2]")]
    [InlineData("line", "I look.\nTOOL_CALL: f({\"a\": 1})\nTOOL_CALL: g()", "I look.", "f {\"a\":1}", "g {}")]
    [InlineData("line", "TOOL_CALL: f(a, b)", "TOOL_CALL: f(a, b)")]
    public void Calls_are_told_from_text_in_whatever_pieces_they_come(string form, string answer, string text, params string[] calls)
    {
        foreach (var size in new[] { 1, 2, 3, 7, 1000 })
        {
            var reader = new ToolCallStream(
                form switch
                {
                    "tagged" => ToolForm.Tagged,
                    "bare" => ToolForm.Bare,
                    "list" => ToolForm.List,
                    _ => ToolForm.Line,
                },
                isCall: false
            );

            var sure = string.Concat(answer.Chunk(size).Select(piece => reader.Push(new string(piece))));
            var (rest, read) = reader.Finish();

            Assert.Equal(text, sure + rest);
            Assert.Equal(calls, read.Select(call => $"{call.Name} {JsonSerializer.Serialize(call.Arguments)}"));
        }
    }

    private static string Family(string name) =>
        File.ReadAllText(
            Path.Combine(Repository.Root, "tests", "AgentLightning.Models.Tests", "Fixtures", "ChatTemplates", "families", name + ".jinja")
        );

    private void UseTemplate(string? template)
    {
        if (template is not null)
        {
            File.WriteAllText(Path.Combine(_folder.File("model"), "chat_template.jinja"), template);
        }
    }

    private async Task LearnAsync(string row)
    {
        File.WriteAllText(_folder.File("rows.jsonl"), row.ReplaceLineEndings(" "));
        using var loaded = LanguageModel.Load(_folder.File("model"), adapter: null, 2, StoredType.F32, CancellationToken.None);
        loaded.Model.Train(true);
        var examples = new ExampleReader(LanguageModel.LoadTokenizer(_folder.File("model")), 1024, LearnedTurns.All).Read(
            _folder.File("rows.jsonl")
        );
        await FineTuningLoop.TrainAsync(
            loaded.Model,
            loaded.Model.Parameters,
            loaded.Compute,
            examples,
            [],
            new FineTuningOptions
            {
                Steps = 80,
                BatchSize = 1,
                LearningRate = 5e-3f,
                Warmup = 10,
            },
            run: null,
            resume: false,
            TimeProvider.System,
            progress: null,
            CancellationToken.None
        );
        await HuggingFaceFolder.SaveAsync(loaded.Model, _folder.File("trained"), copyFrom: _folder.File("model"));
        Directory.Delete(_folder.File("model"), recursive: true);
        Directory.Move(_folder.File("trained"), _folder.File("model"));
    }

    private enum Kind
    {
        Short = 0,
        Long = 1,
    }

    private sealed record Node(string Name, Node? Next);
}
