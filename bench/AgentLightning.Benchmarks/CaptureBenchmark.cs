using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Triage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Benchmarks;

/// <summary>Microseconds that capture takes on the caller's thread: the episode made of input and answer, with its key, and queued. The store is a real one.</summary>
internal static class CaptureBenchmark
{
    private const int Captures = 40_000;
    private const int Group = 4_000;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("lightning-bench-").FullName;
        var services = new ServiceCollection().AddLogging().AddLightning(new LightningOptions { Store = Path.Combine(folder, "lightning.db") }).BuildServiceProvider();
        await services.OpenLightningAsync(create: true, CancellationToken.None);
        var recorder = services.GetRequiredService<EpisodeRecorder>();
        var tasks = Feedback.Read().Select(row => new FeedbackTask(row.Text.Body, Type: "general", Rating: 3, Page: "/docs")).ToList();
        var analysis = AnalysisWriter.Write(tasks[0], FeedbackCategories.WebsiteBug, 0.9, "key words: link, page");

        var times = new List<double>(Captures);
        for (var i = -Group; i < Captures; i++)
        {
            var task = tasks[(i + Group) % tasks.Count];
            var start = Stopwatch.GetTimestamp();
            await recorder.RecordAsync(
                new Episode
                {
                    Id = Ids.New(TimeProvider.System.GetUtcNow()), AgentId = "triage", UserInput = task.ToJson(), InputKey = task.Key, ModelDeployment = "model",
                    AssistantOutput = JsonSerializer.Serialize(analysis, LightningJson.Options), Action = analysis.Category, ActionLogProbability = 0,
                    RequestLatencyMs = 1, CreatedAt = TimeProvider.System.GetUtcNow(),
                },
                CancellationToken.None);
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }

            if (i % Group == 0)
            {
                // Not measured: what a caller that outruns the disk would wait for.
                await recorder.FlushAsync(CancellationToken.None);
            }
        }

        await recorder.FlushAsync(CancellationToken.None);
        var stored = await services.GetRequiredService<IEpisodeStore>().CountAsync(null, CancellationToken.None);
        await services.DisposeAsync();
        Directory.Delete(folder, recursive: true);
        if (stored != Captures + Group)
        {
            throw new InvalidOperationException($"{Captures + Group} episodes were captured, but {stored} are stored.");
        }

        times.Sort();
        return [Figure.AtMost("capture", "an episode on the caller's thread, median", times[Captures / 2], "µs", 20), Figure.AtMost("capture", "an episode on the caller's thread, 99 %", times[Captures * 99 / 100], "µs", 50)];
    }
}
