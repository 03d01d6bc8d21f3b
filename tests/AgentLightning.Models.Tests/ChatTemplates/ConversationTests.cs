using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

public sealed class ConversationTests : IDisposable
{
    private const string Plain =
        """{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "And you?"}, {"role": "assistant", "content": "Fine."}]}""";
    private const string Tools = """
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Oslo\"}"}}]},
        {"role": "tool", "content": "rain"}, {"role": "assistant", "content": "It rains."}, {"role": "user", "content": "Thanks"}, {"role": "assistant", "content": "Welcome"}],
        "tools": [{"type": "function", "function": {"name": "weather", "description": "Says it", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]}
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly Compute _compute = new(2);

    public void Dispose()
    {
        _folder.Dispose();
        _compute.Dispose();
    }

    [Theory]
    [InlineData("qwen2", Plain, 2)]
    [InlineData("chatml", Plain, 2)]
    [InlineData("zephyr", Plain, 2)]
    [InlineData("llama3", Plain, 2)]
    [InlineData("qwen2", Tools, 3)]
    public void Every_answer_is_learned_after_exactly_the_tokens_that_a_model_is_given_when_it_answers(
        string family,
        string row,
        int answers
    )
    {
        var tokenizer = Load(family);
        var example = Read(tokenizer, LearnedTurns.All, row).Single();

        var each = Read(tokenizer, LearnedTurns.Each, row);

        Assert.Equal(answers, each.Count);
        Assert.Equal(example.Tokens, each[^1].Tokens);
        Assert.Equal(each.Sum(one => one.Targets), example.Targets);
        foreach (var one in each)
        {
            // An example of one answer is what is given, and then what is said.
            Assert.Equal(example.Tokens[..one.Tokens.Length], one.Tokens);
            Assert.Equal(
                Enumerable.Range(one.LearnFrom, one.Targets),
                Learned(example).Where(t => t >= one.LearnFrom && t < one.Tokens.Length)
            );
        }

        Assert.Equal(each[^1].Tokens, Read(tokenizer, LearnedTurns.Last, row).Single().Tokens);
    }

    [Fact]
    public void What_is_learned_reads_as_what_the_assistant_said()
    {
        var tokenizer = Load("qwen2");

        Assert.Equal("Hello!<|im_end|>\nFine.<|im_end|>\n", Text(tokenizer, Read(tokenizer, LearnedTurns.All, Plain).Single()));
        var tools = Read(tokenizer, LearnedTurns.All, Tools).Single();
        Assert.Contains(
            "{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call><|im_end|>\nIt rains.<|im_end|>\nWelcome",
            Text(tokenizer, tools),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("rain<", Text(tokenizer, tools), StringComparison.Ordinal);
        Assert.Contains("Says it", tokenizer.Decode(tools.Tokens, skipSpecial: false), StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_marks_what_is_generated_is_taken_at_its_word()
    {
        var tokenizer = Load(
            """{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{% else %}{{ m.content }}<|im_end|>{% endif %}\n{% endfor %}""",
            isSource: true
        );

        var example = Read(tokenizer, LearnedTurns.All, Plain).Single();

        // Without the line break after it, which the model is never asked for.
        Assert.Equal("Hello!<|im_end|>Fine.<|im_end|>", Text(tokenizer, example));
        Assert.Equal(
            "Fine.<|im_end|>",
            Text(
                tokenizer,
                Read(tokenizer, LearnedTurns.All, Plain.Replace("\"Hello!\"", "\"Hello!\", \"weight\": 0", StringComparison.Ordinal))
                    .Single()
            )
        );
    }

    [Fact]
    public void An_answer_of_weight_0_is_only_read()
    {
        var tokenizer = Load("qwen2");
        var row = Plain.Replace("\"Hello!\"", "\"Hello!\", \"weight\": 0", StringComparison.Ordinal);

        Assert.Equal("Fine.<|im_end|>\n", Text(tokenizer, Read(tokenizer, LearnedTurns.All, row).Single()));
        Assert.Single(Read(tokenizer, LearnedTurns.Each, row));
    }

    [Theory]
    [InlineData("qwen3", Plain, "writes message 1 differently once more is said")]
    [InlineData(
        """{% for m in messages %}{{ m.content }}{% endfor %}""",
        """{"messages": [{"role": "user", "content": "th"}, {"role": "assistant", "content": "e"}]}""",
        "goes over the border of message 1, at 'th|e'"
    )]
    [InlineData(
        """{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}""",
        Plain,
        "marks 4 parts as generated, but 2 messages"
    )]
    [InlineData(
        "qwen2",
        """{"messages": [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Hi"}]}""",
        "there is nothing to learn"
    )]
    [InlineData(
        "qwen2",
        """{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi", "weight": 0.5}]}""",
        "message 1 has the weight 0.5"
    )]
    [InlineData(
        "qwen2",
        """{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}], "tools": 3}""",
        "'tools' must be a list"
    )]
    public void A_conversation_that_cannot_be_learned_as_one_is_named_with_its_row_and_message(string family, string row, string named)
    {
        var tokenizer = Load(family, isSource: family.Contains('{', StringComparison.Ordinal));

        var message = Assert.Throws<InvalidDataException>(() => Read(tokenizer, LearnedTurns.All, row)).Message;

        Assert.StartsWith($"{_folder.File("rows.jsonl")}, line 1: ", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_writes_earlier_answers_differently_can_be_learned_answer_by_answer()
    {
        var tokenizer = Load("qwen3");

        var each = Read(tokenizer, LearnedTurns.Each, Plain);

        Assert.Equal(
            ["<think>\n\n</think>\n\nHello!<|im_end|>\n", "<think>\n\n</think>\n\nFine.<|im_end|>\n"],
            each.Select(one => Text(tokenizer, one))
        );
    }

    [Fact]
    public void Loss_and_gradients_of_a_conversation_are_those_of_its_answers()
    {
        using var model = TinyLanguage.Model();
        model.Train(true);
        int[] tokens = [5, 9, 12, 7, 30, 41, 8, 3, 22, 17];
        TokenExample whole = new(tokens, 2, 1.5f, OnlyRead: [4..6, 9..10]);
        TokenExample[] answers = [new(tokens[..4], 2, 1.5f), new(tokens[..9], 6, 1.5f)];
        Assert.Equal(5, whole.Targets);

        var (loss, gradients) = Gradients(model, [whole]);
        var (expected, others) = Gradients(model, answers);

        Assert.Equal(expected, loss, 1e-5);
        Close.All(others, gradients, 1e-4);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(5, 11)]
    public async Task Ranges_that_do_not_fit_are_refused(int from, int to)
    {
        using var model = TinyLanguage.Model();
        model.Train(true);
        TokenExample wrong = new([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 2, OnlyRead: [from..to]);

        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            FineTuningLoop.TrainAsync(
                model,
                model.Parameters,
                _compute,
                [wrong],
                [],
                new FineTuningOptions { Steps = 1 },
                null,
                resume: false,
                TimeProvider.System,
                progress: null,
                CancellationToken.None
            )
        );

        Assert.Contains($"but for {from}..{to}", error.Message, StringComparison.Ordinal);
    }

    private (double Loss, float[] Gradients) Gradients(Transformer model, TokenExample[] examples)
    {
        using var step = new FineTuningStep(model, _compute, new FineTuningOptions { Steps = 1 });
        model.Train(false);
        model.Train(true);
        var loss = step.AddGradient(examples);
        return (
            loss,
            [
                .. model.Parameters.SelectMany(parameter =>
                {
                    var values = new float[parameter.Count];
                    parameter.ReadGradient(0, values);
                    return values;
                }),
            ]
        );
    }

    private List<TokenExample> Read(Tokenizer tokenizer, LearnedTurns learned, string row)
    {
        var path = _folder.File("rows.jsonl");
        File.WriteAllText(path, row.ReplaceLineEndings(" "));
        return [.. new ExampleReader(tokenizer, 4096, learned).Read(path)];
    }

    private static Tokenizer Load(string template, bool isSource = false)
    {
        var source = isSource
            ? template
            : File.ReadAllText(
                Path.Combine(
                    Repository.Root,
                    "tests",
                    "AgentLightning.Models.Tests",
                    "Fixtures",
                    "ChatTemplates",
                    "families",
                    template + ".jinja"
                )
            );
        return Tokenizer.Parse(
            TokenizerFixtures.Json("qwen2"),
            JsonSerializer.Serialize(
                new Dictionary<string, object>
                {
                    ["chat_template"] = source,
                    ["eos_token"] = "<|im_end|>",
                    ["bos_token"] = "",
                }
            )
        );
    }

    private static IEnumerable<int> Learned(TokenExample example) =>
        Enumerable
            .Range(example.LearnFrom, example.Tokens.Length - example.LearnFrom)
            .Where(t => !(example.OnlyRead ?? []).Any(range => t >= range.Start.Value && t < range.End.Value));

    private static string Text(Tokenizer tokenizer, TokenExample example) =>
        tokenizer.Decode([.. Learned(example).Select(t => example.Tokens[t])], skipSpecial: false);
}
