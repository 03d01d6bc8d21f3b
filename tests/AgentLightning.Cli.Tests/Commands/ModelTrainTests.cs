using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>A language model learns from files on the command line, and others use what it learned, each in a process of its own.</summary>
public sealed class ModelTrainTests : IDisposable
{
    private static readonly string s_docs = Path.Combine(Repository.Root, "docs");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Our_own_documents_are_learned_by_a_model_then_by_an_adapter_that_generates_in_another_process()
    {
        await LanguageModelFolder.CreateAsync(
            _folder.File("blank"),
            Directory.EnumerateFiles(s_docs, "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllText),
            vocabulary: 512,
            width: 64
        );
        string[] common = ["--max-length", "64", "--batch-size", "16", "--seed", "1", "--json"];

        var whole = await Run([
            "model",
            "train",
            "--model",
            "blank",
            "--data",
            Path.Combine(s_docs, "concepts"),
            "--out",
            "base",
            "--full",
            "--steps",
            "150",
            "--learning-rate",
            "1e-2",
            "--warmup",
            "5",
            .. common,
        ]);
        Assert.InRange(After(whole), 0, 0.8 * Before(whole));

        var adapted = await Run([
            "model",
            "train",
            "--model",
            "base",
            "--data",
            Path.Combine(s_docs, "operations"),
            "--out",
            "adapter",
            "--rank",
            "8",
            "--steps",
            "100",
            "--learning-rate",
            "1e-2",
            .. common,
        ]);
        Assert.InRange(After(adapted), 0, 0.98 * Before(adapted));
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], Files("adapter"));

        string[] prompt = ["--prompt", "The server", "--max-tokens", "24", "--temperature", "0", "--json"];
        var plain = await Run(["model", "generate", "--model", "base", .. prompt]);
        var with = await Run(["model", "generate", "--model", "base", "--adapter", "adapter", .. prompt]);
        Assert.NotEqual(First(plain), First(with), 1e-3);

        await Run("model", "merge", "--model", "base", "--adapter", "adapter", "--out", "merged", "--json");
        var merged = await Run(["model", "generate", "--model", "merged", .. prompt]);
        Assert.Equal(with.GetProperty("token_ids")[0].GetInt32(), merged.GetProperty("token_ids")[0].GetInt32());
        Assert.Equal(First(with), First(merged), 1e-3);
    }

    [Fact]
    public async Task A_run_that_is_asked_for_again_ends_with_the_same_adapter_and_its_journal_is_whole()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat", "the dog sat on the log"]);
        File.WriteAllLines(
            _folder.File("rows.jsonl"),
            Enumerable.Range(0, 12).Select(i => $$"""{"prompt": "the cat {{i}}", "completion": " sat on mat {{i}}", "reward": {{i % 2}}}""")
        );
        string[] command =
        [
            "model",
            "train",
            "--model",
            "model",
            "--data",
            "rows.jsonl",
            "--out",
            "adapter",
            "--run",
            "run",
            "--steps",
            "5",
            "--batch-size",
            "2",
            "--evaluate-every",
            "2",
            "--json",
        ];

        var first = await Run(command);
        var bytes = await File.ReadAllBytesAsync(Path.Combine(_folder.File("adapter"), "adapter_model.safetensors"));
        var again = await Run(command);

        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(_folder.File("adapter"), "adapter_model.safetensors")));
        Assert.Equal(After(first), After(again));
        Assert.Equal(
            (11, 1, 5),
            (first.GetProperty("examples").GetInt32(), first.GetProperty("held_out").GetInt32(), first.GetProperty("steps").GetInt32())
        );
        var journal = File.ReadAllLines(Path.Combine(_folder.File("run"), "journal.jsonl"))
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line))
            .ToList();
        Assert.Equal([0, 1, 2, 2, 3, 4, 4, 5, 5], journal.Select(line => line.GetProperty("step").GetInt32()));
        Assert.Equal(After(first), journal[^1].GetProperty("held_out_loss").GetDouble());
    }

    [Fact]
    public async Task A_model_is_exported_in_half_the_bytes_and_in_pieces()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"]);

        var result = await Run(
            "model",
            "export",
            "--model",
            "model",
            "--out",
            "small",
            "--type",
            "BF16",
            "--shard-bytes",
            "30000",
            "--json"
        );

        Assert.Contains("model.safetensors.index.json", Files("small"));
        Assert.InRange(
            result.GetProperty("bytes").GetInt64(),
            2 * result.GetProperty("parameters").GetInt64(),
            (2 * result.GetProperty("parameters").GetInt64()) + 20_000
        );
        var info = await Run("model", "info", "--model", "small", "--json");
        Assert.Equal("BF16", info.GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("there are 0 examples", "--data", "empty.jsonl")]
    [InlineData("There is no file or folder", "--data", "nothing.jsonl")]
    [InlineData("rows.jsonl, line 1: the row has", "--data", "rows.jsonl", "--max-length", "4")]
    [InlineData("Of 2 examples 1 have no reward", "--data", "some.jsonl")]
    [InlineData(
        "chat.jsonl, line 1: the chat template writes message 1 differently once more is said",
        "--data",
        "chat.jsonl",
        "--learn",
        "all"
    )]
    [InlineData("rank of an adapter must be 1 to 4096", "--data", "rows.jsonl", "--rank", "0")]
    [InlineData("No layer of this model is called 'c_attn'", "--data", "rows.jsonl", "--targets", "c_attn")]
    [InlineData(
        "warm-up must be 0 or more and less than the 2 steps, but it is 9",
        "--data",
        "rows.jsonl",
        "--steps",
        "2",
        "--warmup",
        "9"
    )]
    [InlineData("must not be the folder of the model itself", "--data", "rows.jsonl", "--out", "model")]
    [InlineData("neither an adapter nor a model", "--data", "rows.jsonl", "--out", ".")]
    public async Task What_is_wrong_is_said_in_one_line_and_nothing_is_written(string named, params string[] options)
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"]);
        File.WriteAllText(_folder.File("empty.jsonl"), "\n");
        File.WriteAllText(_folder.File("rows.jsonl"), """{"prompt": "the cat sat", "completion": " on the mat"}""");
        File.WriteAllText(
            _folder.File("chat.jsonl"),
            """{"messages": [{"role": "user", "content": "the"}, {"role": "assistant", "content": "cat"}, {"role": "user", "content": "sat"}, {"role": "assistant", "content": "on"}]}"""
        );
        File.WriteAllText(
            _folder.File("model/chat_template.jinja"),
            "{% for m in messages %}{{ m.content }}{% if loop.last %}!{% endif %}{% endfor %}"
        );
        File.WriteAllText(_folder.File("some.jsonl"), "{\"text\": \"a\", \"reward\": 1}\n{\"text\": \"b\"}");
        string[] place = options.Contains("--out") ? [] : ["--out", "adapter"];

        var message = (await Lightning.RunAsync(_folder.Path, ["model", "train", "--model", "model", .. place, .. options])).Failed(2);

        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("adapter")));
    }

    /// <summary>The log-probability of the first token: what comes after it depends on which it was.</summary>
    private static double First(JsonElement result) => result.GetProperty("logprobs")[0].GetDouble();

    private static double Before(JsonElement result) => result.GetProperty("held_out_loss_before").GetDouble();

    private static double After(JsonElement result) => result.GetProperty("held_out_loss_after").GetDouble();

    private string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(_folder.File(folder)).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private async Task<JsonElement> Run(params string[] command) => (await Lightning.RunAsync(_folder.Path, command)).Json();
}
