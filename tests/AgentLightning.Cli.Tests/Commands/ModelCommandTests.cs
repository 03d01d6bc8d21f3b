using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Language models from the command line, each command in a process of its own.</summary>
public sealed class ModelCommandTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public async ValueTask InitializeAsync() =>
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat", "the dog sat on the log"]);

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_is_generated_is_the_same_every_time_and_its_log_probabilities_are_those_that_score_gives()
    {
        string[] command =
        [
            "model",
            "generate",
            "--model",
            "model",
            "--prompt",
            "the cat",
            "--max-tokens",
            "12",
            "--temperature",
            "0.8",
            "--seed",
            "5",
            "--json",
        ];
        var first = (await Lightning.RunAsync(_folder.Path, command)).Json();
        var again = (await Lightning.RunAsync(_folder.Path, command)).Json();

        Assert.Equal(
            ["text", "prompt_ids", "token_ids", "logprobs", "finish_reason", "tokens_per_second"],
            first.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal(Ids(first, "token_ids"), Ids(again, "token_ids"));
        Assert.Equal(first.GetProperty("text").GetString(), again.GetProperty("text").GetString());
        Assert.Equal(Ids(first, "token_ids").Length, first.GetProperty("logprobs").GetArrayLength());
        Assert.Equal("length", first.GetProperty("finish_reason").GetString());

        var greedy = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "generate",
                "--model",
                "model",
                "--prompt-ids",
                string.Join(',', Ids(first, "prompt_ids")),
                "--max-tokens",
                "6",
                "--temperature",
                "0",
                "--json"
            )
        ).Json();
        int[] all = [.. Ids(first, "prompt_ids"), .. Ids(greedy, "token_ids")];
        var score = (
            await Lightning.RunAsync(_folder.Path, "model", "score", "--model", "model", "--ids", string.Join(',', all), "--json")
        ).Json();

        Assert.Equal(all, Ids(score, "ids"));
        var scores = score.GetProperty("logprobs").EnumerateArray().ToArray();
        Assert.Equal(JsonValueKind.Null, scores[0].ValueKind);
        var generated = greedy.GetProperty("logprobs").EnumerateArray().Select(value => value.GetDouble()).ToArray();
        Assert.All(generated.Zip(scores[^generated.Length..]), pair => Assert.Equal(pair.First, pair.Second.GetDouble(), 4));
    }

    [Fact]
    public async Task Text_from_standard_input_becomes_ids_and_pieces()
    {
        var result = (await Lightning.RunAsync(_folder.Path, "the cat", ["model", "tokenize", "--model", "model", "--json"])).Json();
        var prompt = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "generate",
                "--model",
                "model",
                "--prompt",
                "the cat",
                "--max-tokens",
                "1",
                "--json"
            )
        ).Json();

        Assert.Equal(Ids(prompt, "prompt_ids"), Ids(result, "ids"));
        Assert.Equal("the\u0120cat", string.Concat(result.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString())));
    }

    [Fact]
    public async Task A_completion_fits_the_schema_that_is_given()
    {
        await File.WriteAllTextAsync(
            _folder.File("schema.json"),
            """{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"]}"""
        );

        var result = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "generate",
                "--model",
                "model",
                "--prompt",
                "the cat",
                "--json-schema",
                "schema.json",
                "--max-tokens",
                "60",
                "--json"
            )
        ).Json();

        var value = JsonDocument.Parse(result.GetProperty("text").GetString()!).RootElement;
        Assert.Equal(
            (JsonValueKind.String, JsonValueKind.Number),
            (value.GetProperty("name").ValueKind, value.GetProperty("age").ValueKind)
        );
        Assert.Equal("stop", result.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task A_bench_gives_figures_beside_the_limits_of_the_machine()
    {
        var figures = (await Lightning.RunAsync(_folder.Path, "model", "bench", "--model", "model", "--seconds", "0", "--json"))
            .Json()
            .GetProperty("figures")
            .EnumerateArray()
            .ToList();

        Assert.Equal(
            [
                "loading",
                "loading to the first token",
                "memory of the process",
                "prompt of 64 tokens",
                "decoding, batch 1",
                "decoding, batch 8",
                "16 answers of 16 tokens to one prompt of 64",
                "adapter step of 64 tokens",
            ],
            figures.Select(figure => figure.GetProperty("name").GetString())
        );
        Assert.All(figures, figure => Assert.True(figure.GetProperty("value").GetDouble() > 0));
        Assert.All(figures[3..6], figure => Assert.InRange(figure.GetProperty("share").GetDouble(), 0, 2));
        Assert.Contains(
            "--seconds must be",
            (await Lightning.RunAsync(_folder.Path, "model", "bench", "--model", "model", "--seconds", "-1")).Failed(2),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_chat_answers_each_line_with_the_lines_before_in_mind()
    {
        string[] command = ["model", "chat", "--model", "model", "--max-tokens", "8", "--temperature", "0"];
        var answer = (await Lightning.RunAsync(_folder.Path, "the cat", [.. command, "--json"])).Json();
        var prompt = $"user: the cat\nassistant:{answer.GetProperty("text").GetString()}";
        var generated = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "generate",
                "--model",
                "model",
                "--prompt",
                "user: the cat\nassistant:",
                "--max-tokens",
                "8",
                "--temperature",
                "0",
                "--json"
            )
        ).Json();

        Assert.Equal(generated.GetProperty("text").GetString(), answer.GetProperty("text").GetString());
        Assert.Equal(("length", 8), (answer.GetProperty("finish_reason").GetString(), answer.GetProperty("completion_tokens").GetInt32()));
        Assert.Equal(Ids(generated, "prompt_ids").Length, answer.GetProperty("prompt_tokens").GetInt32());
        var next = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "generate",
                "--model",
                "model",
                "--prompt",
                $"{prompt.Replace("assistant:", "assistant: ", StringComparison.Ordinal)}\nuser: the dog\nassistant:",
                "--max-tokens",
                "8",
                "--temperature",
                "0",
                "--json"
            )
        ).Json();
        var lines = (await Lightning.RunAsync(_folder.Path, "the cat\nthe dog\n", command)).Out;
        Assert.Equal(
            $"{answer.GetProperty("text").GetString()}{Environment.NewLine}{next.GetProperty("text").GetString()}{Environment.NewLine}",
            lines
        );
    }

    [Fact]
    public async Task Info_says_what_the_folder_holds()
    {
        var info = (await Lightning.RunAsync(_folder.Path, "model", "info", "--model", "model", "--json")).Json();

        Assert.Equal("llama", info.GetProperty("family").GetString());
        Assert.Equal(128, info.GetProperty("context").GetInt32());
        Assert.Equal(info.GetProperty("vocabulary").GetInt32(), info.GetProperty("tokenizer_vocabulary").GetInt32());
        Assert.Equal(4 * info.GetProperty("parameters").GetInt64(), info.GetProperty("bytes").GetInt64());
        Assert.Contains(
            "llama",
            (await Lightning.RunAsync(_folder.Path, "model", "info", "--model", "model")).Out,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("There is no folder", "model", "info", "--model", "nothing")]
    [InlineData("one of them", "model", "generate", "--model", "model")]
    [InlineData("one of them", "model", "generate", "--model", "model", "--prompt", "a", "--prompt-ids", "1")]
    [InlineData("'x' is not one", "model", "generate", "--model", "model", "--prompt-ids", "1,x")]
    [InlineData("not in the vocabulary", "model", "generate", "--model", "model", "--prompt-ids", "99999")]
    [InlineData("context of this model holds 128", "model", "generate", "--model", "model", "--prompt", "the", "--max-tokens", "500")]
    [InlineData(
        "top-p must be above 0 and at most 1, but it is 2",
        "model",
        "generate",
        "--model",
        "model",
        "--prompt",
        "the",
        "--top-p",
        "2"
    )]
    [InlineData("at least two tokens", "model", "score", "--model", "model", "--ids", "1")]
    [InlineData("adapter_config.json", "model", "generate", "--model", "model", "--adapter", "model", "--prompt", "the")]
    [InlineData("--model", "model", "generate", "--prompt", "the")]
    public async Task What_is_wrong_is_said_in_one_line(string named, params string[] command)
    {
        var message = (await Lightning.RunAsync(_folder.Path, command)).Failed(2);

        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.DoesNotContain("(Parameter", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damaged_weights_are_named_with_their_file_and_tensor()
    {
        var path = Path.Combine(_folder.File("model"), "config.json");
        await File.WriteAllTextAsync(
            path,
            (await File.ReadAllTextAsync(path)).Replace("\"intermediate_size\": 96", "\"intermediate_size\": 97", StringComparison.Ordinal)
        );

        var message = (await Lightning.RunAsync(_folder.Path, "model", "info", "--model", "model")).Failed(2);

        Assert.Contains("model.safetensors", message, StringComparison.Ordinal);
        Assert.Contains("gate_proj.weight' should be F32, F16 or BF16 [97, 32]", message, StringComparison.Ordinal);
        Assert.Contains("[96, 32]", message, StringComparison.Ordinal);
    }

    private static int[] Ids(JsonElement json, string name) => [.. json.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
