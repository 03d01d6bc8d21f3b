using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Training in one process a model that another one serves, from the command line.</summary>
public sealed class ModelServerCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_task_is_learned_on_a_server_in_another_process_and_the_model_comes_back()
    {
        await File.WriteAllTextAsync(_folder.File("key"), "a-key-of-enough-characters\n");
        await Lightning.RunAsync(
            _folder.Path,
            "model",
            "rl",
            "--task",
            "reverse4",
            "--steps",
            "1",
            "--learning-rate",
            "0",
            "--out",
            "begin"
        );
        using var server = await ServingProcess.StartModelAsync(_folder.Path, "--model", "begin", "--full", "--api-key-file", "key");
        var address = server.Http.BaseAddress!.ToString();

        var result = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "rl",
                "--task",
                "reverse4",
                "--full",
                "--server",
                address,
                "--api-key-file",
                "key",
                "--run",
                "run",
                "--out",
                "learned",
                "--json"
            )
        ).Json();
        var evaluated = (
            await Lightning.RunAsync(_folder.Path, "model", "eval", "--task", "reverse4", "--model", "learned", "--json")
        ).Json();

        Assert.InRange(result.GetProperty("accuracy").GetDouble(), 0.99, 1);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, result.GetProperty("share_of_peak").ValueKind);
        Assert.Equal(result.GetProperty("accuracy").GetDouble(), evaluated.GetProperty("accuracy").GetDouble());
        Assert.Contains(
            "/weights/step-",
            await File.ReadAllTextAsync(_folder.File("run/checkpoint/elsewhere.json")),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "refuses the key",
            (await Lightning.RunAsync(_folder.Path, "model", "rl", "--task", "reverse4", "--server", address)).Failed(1),
            StringComparison.Ordinal
        );
        var (exit, written) = await server.TerminateAsync();
        Assert.Equal((0, ""), (exit, written));
    }

    [Fact]
    public async Task A_task_file_trains_an_adapter_on_a_server_with_the_tokenizer_here()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("small"), ["the cat sat on the mat", "the dog sat on the log"]);
        await File.WriteAllLinesAsync(
            _folder.File("rows.jsonl"),
            Enumerable.Range(0, 10).Select(i => $$"""{"id":"{{i}}","prompt":"the cat"}""")
        );
        await File.WriteAllTextAsync(
            _folder.File("task.json"),
            """{"data":"rows.jsonl","max_tokens":4,"stop":["mat"],"grader":{"type":"text_similarity","evaluation_metric":"fuzzy_match","input":"{{sample.output_text}}","reference":"sat"}}"""
        );
        using var server = await ServingProcess.StartModelAsync(_folder.Path, "--model", "small");
        string[] command =
        [
            "model",
            "rl",
            "--task",
            "task.json",
            "--model",
            "small",
            "--steps",
            "2",
            "--server",
            server.Http.BaseAddress!.ToString(),
            "--rank",
            "4",
            "--alpha",
            "8",
            "--json",
        ];

        var result = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter"])).Json();
        var evaluated = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "eval",
                "--task",
                "task.json",
                "--model",
                "small",
                "--adapter",
                "adapter",
                "--json"
            )
        ).Json();

        Assert.Equal(2, result.GetProperty("steps").GetInt32());
        Assert.Equal(1, evaluated.GetProperty("tasks").GetInt32());
        Assert.Contains(
            "no word for values (ppo)",
            (await Lightning.RunAsync(_folder.Path, [.. command, "--method", "ppo"])).Failed(2),
            StringComparison.Ordinal
        );
        Assert.Contains("--full", (await Lightning.RunAsync(_folder.Path, [.. command, "--full"])).Failed(1), StringComparison.Ordinal);
        Assert.Contains(
            "need --server",
            (await Lightning.RunAsync(_folder.Path, "model", "rl", "--task", "reverse4", "--base-model", "x")).Failed(2),
            StringComparison.Ordinal
        );
    }
}
