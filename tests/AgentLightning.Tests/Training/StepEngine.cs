using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using AgentLightning.Training;

namespace AgentLightning.Tests.Training;

/// <summary>
/// An engine whose model is the list of its steps: one that went on wrongly from a checkpoint made another. A gate can hold it at a step.
/// </summary>
internal sealed class StepEngine(int steps) : ITrainingEngine
{
    /// <summary>The runs that were begun here, in order.</summary>
    public ConcurrentQueue<string> Began { get; } = new();

    /// <summary>Is asked at each step, with its number; what it returns is awaited before the step is made.</summary>
    public Func<int, CancellationToken, Task> Gate { get; set; } = (_, _) => Task.CompletedTask;

    public string Name => "steps";

    public async Task<TunedModel> TrainAsync(TrainingJob job, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        Began.Enqueue(job.Run.Id);
        var made = new List<int>();
        if (await job.Checkpoints!.OpenAsync(cancellationToken) is { } saved)
        {
            using var reader = new StreamReader(saved);
            made.AddRange((await reader.ReadToEndAsync(cancellationToken)).Split(' ')[1].Split(',').Select(int.Parse));
        }

        for (var step = made.Count + 1; step <= steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Gate(step, cancellationToken);
            made.Add(step);
            progress?.Report(new TrainingProgress(step, steps, new Dictionary<string, double> { ["loss"] = 1.0 / step }));
            await job.Checkpoints.SaveAsync(
                step,
                stream => stream.WriteAsync(Bytes($"{job.Run.Id} {string.Join(',', made)}")).AsTask(),
                cancellationToken
            );
        }

        return new TunedModel(
            "model-" + job.Run.Id[^6..],
            stream => stream.WriteAsync(Bytes(string.Join(',', made))).AsTask(),
            new Dictionary<string, double> { ["steps"] = made.Count }
        );
    }

    /// <summary>What the model of a run that was never interrupted is.</summary>
    public static byte[] Model(int steps) => Bytes(string.Join(',', Enumerable.Range(1, steps)));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text.ToString(CultureInfo.InvariantCulture));
}
