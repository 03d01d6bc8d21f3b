using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;

namespace AgentLightning.Benchmarks;

/// <summary>
/// A folder of 500 MB loaded by the program in a process of its own, warm: seconds to the first token, and memory of the whole process
/// against the weights as stored.
/// </summary>
internal static class LoadBenchmark
{
    private const int Loads = 5;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("lightning-bench-").FullName;
        try
        {
            using (
                var model = Transformer.Create(
                    new TransformerConfig
                    {
                        Family = TransformerFamily.Qwen2,
                        VocabularySize = 32_000,
                        Width = 896,
                        Layers = 6,
                        Heads = 14,
                        KeyValueHeads = 2,
                        HeadWidth = 64,
                        InnerWidth = 5248,
                        MaxPositions = 512,
                        QueryKeyValueBias = true,
                        TiedEmbeddings = true,
                    },
                    seed: 1
                )
            )
            {
                await HuggingFaceFolder.SaveAsync(model, folder);
            }

            var runs = new List<(double First, double Memory, string Stored)>();
            for (var i = 0; i < Loads; i++)
            {
                runs.Add(await LoadAsync(folder));
            }

            var what = $"{runs[0].Stored}, median of {Loads}";
            return
            [
                Figure.AtMost(
                    "load",
                    $"start of loading to first token, {what}",
                    runs.Select(run => run.First).Order().ElementAt(Loads / 2),
                    "s",
                    2
                ),
                Figure.AtMost(
                    "load",
                    $"memory of the process, {what}",
                    runs.Select(run => run.Memory).Order().ElementAt(Loads / 2),
                    "of the weights as stored",
                    1.15
                ),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(double First, double Memory, string Stored)> LoadAsync(string folder)
    {
        using var process = Process.Start(
            new ProcessStartInfo(ServerProcess.Host, [ServerProcess.Program, "model", "bench", "--model", folder, "--load-only", "--json"])
            {
                RedirectStandardOutput = true,
            }
        )!;
        using var json = JsonDocument.Parse(await process.StandardOutput.ReadToEndAsync());
        await process.WaitForExitAsync();
        var figures = json.RootElement.GetProperty("figures");
        return (
            figures[1].GetProperty("value").GetDouble(),
            figures[2].GetProperty("share").GetDouble(),
            figures[2].GetProperty("limit").GetString()!
        );
    }
}
