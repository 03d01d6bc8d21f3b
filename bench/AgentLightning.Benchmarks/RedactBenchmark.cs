using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Benchmarks;

/// <summary>
/// What redaction costs the background writer: clean feedback as text and as JSON, and text in which every line holds something.
/// </summary>
internal static class RedactBenchmark
{
    private const int Rounds = 200;
    private const int Length = 1_000;

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        var redactor = new Redactor(new RedactionOptions());
        var clean = TextsOf(Length).Where(text => ReferenceEquals(redactor.Redact(text), text)).ToList();
        var json = clean.ConvertAll(text =>
            JsonSerializer.Serialize(
                new
                {
                    comment = text,
                    rating = 3,
                    page = "/docs",
                },
                LightningJson.Options
            )
        );
        var dirty = clean.ConvertAll(text =>
            string.Join(
                ' ',
                text.Chunk(100).Select((part, i) => $"{new string(part)} mail user{i}@example.com or call +1 555-555-01{i:00}")
            )
        );

        var text = Median(redactor, clean) * Length / clean.Average(one => one.Length);
        return Task.FromResult<IReadOnlyList<Figure>>([
            Figure.AtMost("redact", "1,000 clean characters of text, median", text, "µs", 20),
            Figure.AtLeast("redact", "clean text, one core", Length / text, "MB/s", 50),
            Figure.AtMost(
                "redact",
                "1,000 clean characters in JSON, median",
                Median(redactor, json) * Length / json.Average(one => one.Length),
                "µs",
                30
            ),
            Figure.AtMost(
                "redact",
                "1,000 characters with 14 findings, median",
                Median(redactor, dirty) * Length / dirty.Average(one => one.Length),
                "µs",
                200
            ),
        ]);
    }

    private static double Median(Redactor redactor, List<string> texts)
    {
        var times = new List<double>(Rounds);
        for (var round = -500; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            foreach (var text in texts)
            {
                redactor.Redact(text);
            }

            if (round >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / texts.Count);
            }
        }

        times.Sort();
        return times[Rounds / 2];
    }

    private static List<string> TextsOf(int length)
    {
        var texts = new List<string>();
        var text = new StringBuilder();
        foreach (var (row, _) in Feedback.Read())
        {
            text.Append(row.Body).Append(' ');
            if (text.Length >= length)
            {
                texts.Add(text.ToString(0, length));
                text.Clear();
            }
        }

        return texts;
    }
}
