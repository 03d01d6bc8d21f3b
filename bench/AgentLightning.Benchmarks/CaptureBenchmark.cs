using System.Diagnostics;
using AgentLightning.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace AgentLightning.Benchmarks;

/// <summary>
/// What capture adds to the caller's thread, for a call with one tool call, against a server that takes everything: the client's
/// middleware, and beside it in the same run the OpenTelemetry SDK with its batch processor recording the same call as two spans with its
/// messages. The bare call is taken off both.
/// </summary>
internal static class CaptureBenchmark
{
    private const int Calls = 40_000;
    private const int Group = 2_000;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var server = await StartServerAsync();
        var options = new LightningClientOptions
        {
            Endpoint = new Uri(server.Urls.Single()),
            DataFolder = "",
            AgentId = "shop",
            QueueBytes = 1L << 30,
        };
        var bare = new Answers();
        var (bareTimes, bareBytes) = await MeasureAsync(bare, () => Task.CompletedTask);

        double[] captured;
        long capturedBytes;
        await using (var lightning = new LightningClient(options))
        {
            (captured, capturedBytes) = await MeasureAsync(new Answers().UseLightning(lightning), () => lightning.FlushAsync());
            if (lightning.Statistics is not { Sent: Calls + (2 * Group), Dropped: 0 })
            {
                throw new InvalidOperationException(
                    $"{Calls + (2 * Group)} calls were made, but this came of them: {lightning.Statistics}"
                );
            }
        }

        var exported = new Counting();
        double[] traced;
        long tracedBytes;
        using (
            var provider = Sdk.CreateTracerProviderBuilder()
                .AddSource(TracedAnswers.Source.Name)
                .AddProcessor(new BatchActivityExportProcessor(exported, maxQueueSize: 8_192))
                .Build()
        )
        {
            (traced, tracedBytes) = await MeasureAsync(new TracedAnswers(), () => Task.FromResult(provider.ForceFlush()));
        }

        var floor = bareTimes[Calls / 2];
        return
        [
            Figure.AtMost("capture", "a call with a tool call on the caller's thread, median", captured[Calls / 2] - floor, "µs", 10),
            Figure.AtMost("capture", "a call with a tool call on the caller's thread, 99 %", captured[Calls * 99 / 100] - floor, "µs", 50),
            Figure.AtMost("capture", "allocated by a call on the caller's thread", capturedBytes - bareBytes, "B", CaptureLimit),
            Figure.AtMost(
                "capture",
                "the same median, limit: the OpenTelemetry SDK",
                captured[Calls / 2] - floor,
                "µs",
                traced[Calls / 2] - floor
            ),
            Figure.AtMost(
                "capture",
                "the same 99 %, limit: the OpenTelemetry SDK",
                captured[Calls * 99 / 100] - floor,
                "µs",
                traced[Calls * 99 / 100] - floor
            ),
            Figure.AtMost(
                "capture",
                "the same bytes, limit: the OpenTelemetry SDK",
                capturedBytes - bareBytes,
                "B",
                tracedBytes - bareBytes
            ),
        ];
    }

    /// <summary>Bytes; a test of the client gates the same call.</summary>
    private const int CaptureLimit = 2_000;

    private static async Task<(double[] Times, long Bytes)> MeasureAsync(IChatClient client, Func<Task> flushAsync)
    {
        var times = new List<double>(Calls);
        List<ChatMessage> history =
        [
            new(ChatRole.System, "You answer for a shop, in one sentence."),
            new(ChatRole.User, "Where is order 42? It should have come on Friday."),
        ];
        long bytes = 0;
        for (var i = -2 * Group; i < Calls; i++)
        {
            var (before, start) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            // Completes at once, so that it stays on this thread.
            _ = client.GetResponseAsync(history).GetAwaiter().GetResult();
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
                bytes += GC.GetAllocatedBytesForCurrentThread() - before;
            }

            if (i % Group == 0)
            {
                // Not measured: what a caller that outruns the network would lose.
                await flushAsync();
            }
        }

        await flushAsync();
        times.Sort();
        return ([.. times], bytes / Calls);
    }

    private static async Task<WebApplication> StartServerAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Run(context => context.Request.Body.CopyToAsync(Stream.Null));
        await app.StartAsync();
        return app;
    }

    /// <summary>Takes spans and keeps none.</summary>
    private sealed class Counting : BaseExporter<Activity>
    {
        public override ExportResult Export(in Batch<Activity> batch) => ExportResult.Success;
    }
}
