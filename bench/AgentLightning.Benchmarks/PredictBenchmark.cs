using System.Diagnostics;
using System.Text;
using AgentLightning.Models.Architectures;

namespace AgentLightning.Benchmarks;

/// <summary>Microseconds from a text of 300 characters to its label, features included, each text another one.</summary>
internal static class PredictBenchmark
{
    private const int Rounds = 200;

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        var model = Feedback.Train();
        var texts = TextsOf300();
        var scores = new float[model.Labels.Count];
        var times = new List<double>();
        for (var round = -20; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            foreach (var text in texts)
            {
                model.Predict(text, scores);
            }

            if (round >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / texts.Count);
            }
        }

        times.Sort();
        return Task.FromResult<IReadOnlyList<Figure>>([
            Figure.AtMost("predict", "one prediction for 300 characters, median", times[Rounds / 2], "µs", 20),
        ]);
    }

    private static List<TextInput> TextsOf300()
    {
        var texts = new List<TextInput>();
        var text = new StringBuilder();
        foreach (var (row, _) in Feedback.Read())
        {
            text.Append(row.Body).Append(' ');
            if (text.Length >= 300)
            {
                texts.Add(text.ToString(0, 300));
                text.Clear();
            }
        }

        return texts;
    }
}
