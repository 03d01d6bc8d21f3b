using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>A process that is killed while it saves leaves what was saved before.</summary>
public sealed class ModelKilledTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_that_is_saved_over_an_earlier_one_can_be_loaded_whenever_the_save_is_killed()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"], width: 128);
        string[] command = ["model", "export", "--model", "model", "--out", "saved", "--type", "F32", "--shard-bytes", "20000"];
        Assert.Equal(0, (await Lightning.RunAsync(_folder.Path, command)).ExitCode);
        using var compute = new Compute(1);
        var expected = Values(_folder.File("model"), compute);
        Func<bool>[] moments =
        [
            () => Directory.Exists(_folder.File("saved.new")),
            () =>
                Directory.Exists(_folder.File("saved.new"))
                && Directory.EnumerateFiles(_folder.File("saved.new"), "*.safetensors").Skip(3).Any(),
            () =>
                Directory.Exists(_folder.File("saved.new"))
                && Directory.EnumerateFiles(_folder.File("saved.new"), "*.safetensors").Skip(20).Any(),
            () => Directory.Exists(_folder.File("saved.old")),
        ];
        var interrupted = 0;
        foreach (var moment in moments)
        {
            interrupted += await KillAsync(command, () => Happened(moment)) ? 1 : 0;

            Assert.Equal(expected, Values(_folder.File("saved"), compute));
        }

        Assert.True(interrupted > 0, "every save was over before it could be killed");
        Assert.Equal(0, (await Lightning.RunAsync(_folder.Path, command)).ExitCode);
        Assert.Equal(["model", "saved"], Directory.GetDirectories(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_training_that_is_killed_again_and_again_ends_with_the_bits_of_one_that_is_not()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"], width: 64);
        File.WriteAllLines(
            _folder.File("rows.jsonl"),
            Enumerable.Range(0, 12).Select(i => $$"""{"prompt": "the cat {{i}}", "completion": " sat on mat {{i}}"}""")
        );
        string[] command =
        [
            "model",
            "train",
            "--model",
            "model",
            "--data",
            "rows.jsonl",
            "--full",
            "--steps",
            "40",
            "--batch-size",
            "2",
            "--save-every",
            "1",
        ];
        Assert.Equal(0, (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "whole"])).ExitCode);
        var interrupted = 0;
        foreach (var step in new[] { 2, 9, 20 })
        {
            var journal = _folder.File("run/journal.jsonl");
            interrupted += await KillAsync([.. command, "--out", "killed", "--run", "run"], () =>
                Lines(journal) >= step && Directory.Exists(_folder.File("run/checkpoint.new"))
            )
                ? 1
                : 0;
        }

        Assert.True(interrupted > 0, "every run was over before it could be killed");
        Assert.Equal(0, (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "killed", "--run", "run"])).ExitCode);

        Assert.Equal(
            await File.ReadAllBytesAsync(_folder.File("whole/model.safetensors")),
            await File.ReadAllBytesAsync(_folder.File("killed/model.safetensors"))
        );
        Assert.Equal(
            Enumerable.Range(1, 40),
            File.ReadAllLines(_folder.File("run/journal.jsonl"))
                .Select(line => JsonSerializer.Deserialize<JsonElement>(line))
                .Where(line => line.TryGetProperty("loss", out _))
                .Select(line => line.GetProperty("step").GetInt32())
        );
    }

    private static int Lines(string path)
    {
        try
        {
            using var reader = new StreamReader(
                new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)
            );
            return reader.ReadToEnd().Count(c => c == '\n');
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Not there yet, or being replaced.
            return 0;
        }
    }

    /// <summary>A folder that is looked into may be renamed at that moment.</summary>
    private static bool Happened(Func<bool> moment)
    {
        try
        {
            return moment();
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
    }

    /// <summary>Starts a command and kills it at a moment. False when it was over before.</summary>
    private async Task<bool> KillAsync(string[] command, Func<bool> moment)
    {
        using var process = Lightning.Start(_folder.Path, command);
        while (!process.HasExited && !moment())
        {
            await Task.Yield();
        }

        var over = process.HasExited;
        process.Kill();
        await process.WaitForExitAsync();
        return !over && process.ExitCode != 0;
    }

    private static float[] Values(string folder, Compute compute)
    {
        using var model = HuggingFaceFolder.Load(folder, compute);
        return
        [
            .. model.Parameters.SelectMany(parameter =>
            {
                var values = new float[parameter.Count];
                parameter.Read(0, values);
                return values;
            }),
        ];
    }
}
