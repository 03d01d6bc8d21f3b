using System.Diagnostics;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Texts per second through forward, backward and AdamW, on short texts (bundled feedback cut to its first 80 characters).
/// </summary>
internal static class TrainBenchmark
{
    private const int Repeats = 5;

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        var rows = Feedback
            .Read()
            .Select(row => (Text: (TextInput)row.Text.Body[..Math.Min(80, row.Text.Body.Length)], row.Label))
            .ToList();
        var rates = new List<double>();
        for (var repeat = 0; repeat <= Repeats; repeat++)
        {
            var (model, texts, labels) = Feedback.Prepare(rows);
            var options = new ClassifierTrainingOptions { Epochs = 100 };
            var clock = Stopwatch.StartNew();
            SupervisedLoop.Train(model, texts, labels, options, 1, null, CancellationToken.None);
            if (repeat > 0)
            {
                rates.Add(options.Epochs * texts.Count / clock.Elapsed.TotalSeconds);
            }
        }

        rates.Sort();
        return Task.FromResult<IReadOnlyList<Figure>>([
            Figure.AtLeast("train", $"short texts trained on, median of {Repeats} runs", rates[Repeats / 2], "texts/s", 50_000),
        ]);
    }
}
