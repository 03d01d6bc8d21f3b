using System.Globalization;
using System.Text.Json;
using AgentLightning.Rewards;

namespace AgentLightning.Traces.Reading;

/// <summary>A score of a trace on the canonical scale, with the value as it came.</summary>
/// <param name="ResponseId">The answer that it is of, where that is none of this trace; null when it is of the trace.</param>
/// <param name="Sender">The span or log record that it came with.</param>
internal sealed record TraceScore(
    string Id,
    string Evaluator,
    double Value,
    double? RawValue,
    string? Scale,
    string? Comments,
    long Nanos,
    string? ResponseId,
    SpanRecord Sender
);

/// <summary>Reads <c>gen_ai.evaluation.result</c> events, and rewards of Agent Lightning's emit calls.</summary>
internal static class ScoreReader
{
    public static List<TraceScore> Read(IReadOnlyCollection<SpanView> spans)
    {
        var scores = new List<TraceScore>();
        var responses = spans.Select(span => span.Text("gen_ai.response.id")).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var span in spans)
        {
            // One that was given to an episode of the client library came with the episode.
            scores.AddRange(span.Attribute("agentlightning.episode_id") is null ? Rewards(span) : []);
            scores.AddRange(
                span.Events.Where(one => one.Name == "gen_ai.evaluation.result")
                    .Select(one => OfEvaluation(span, one, responses))
                    .OfType<TraceScore>()
            );
        }

        return [.. scores.OrderBy(score => score.Nanos).ThenBy(score => score.Id, StringComparer.Ordinal)];
    }

    /// <summary>
    /// The canonical value of a score whose scale nobody told: 0…1 and -1…0 are taken for 0..1 and -1..1; above, the smallest of 1..5,
    /// 0..10 and 0..100 that holds it. Beyond that, the nearest end.
    /// </summary>
    public static (double Value, string Scale) Canonical(double score) =>
        score switch
        {
            >= 0 and <= 1 => ((2 * score) - 1, "0..1"),
            >= -1 and < 0 => (score, "-1..1"),
            > 1 and <= 5 => ((score - 3) / 2, "1..5"),
            > 5 and <= 10 => ((score / 5) - 1, "0..10"),
            > 10 and <= 100 => ((score / 50) - 1, "0..100"),
            _ => (score < 0 ? -1 : 1, "unknown"),
        };

    private static TraceScore? OfEvaluation(SpanView span, EventView one, HashSet<string> responses)
    {
        var (score, label) = (Number(one, "gen_ai.evaluation.score.value"), Text(one, "gen_ai.evaluation.score.label"));
        var (low, high) = (Number(one, "agentlightning.score.min"), Number(one, "agentlightning.score.max"));
        var (value, scale) = score switch
        {
            null => label?.ToUpperInvariant() switch
            {
                "PASS" or "PASSED" or "TRUE" => (1, null),
                "FAIL" or "FAILED" or "FALSE" => (-1, null),
                _ => (double.NaN, (string?)null),
            },
            { } number when low < high => (
                Math.Clamp((2 * (number - low!.Value) / (high!.Value - low.Value)) - 1, -1, 1),
                string.Create(CultureInfo.InvariantCulture, $"{low}..{high}")
            ),
            { } number => Canonical(number),
        };
        return double.IsNaN(value)
            ? null
            : new TraceScore(
                $"{span.Record.TraceId}-{one.Id}",
                Text(one, "gen_ai.evaluation.name") ?? "",
                value,
                score,
                scale,
                Text(one, "gen_ai.evaluation.explanation") is { } why
                    ? label is null
                        ? why
                        : $"{label}: {why}"
                    : label,
                one.Nanos,
                Text(one, "gen_ai.response.id") is { Length: > 0 } response && !responses.Contains(response) ? response : null,
                one.Record
            );
    }

    /// <summary>The rewards of an annotation, the first is the primary one; and the two older forms of it.</summary>
    private static IEnumerable<TraceScore> Rewards(SpanView span)
    {
        var values = new SortedDictionary<int, (string? Name, double? Value)>();
        foreach (var (rest, value) in span.Under("agentlightning.reward."))
        {
            var parts = rest.Split('.');
            if (parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                var (name, number) = values.GetValueOrDefault(index);
                values[index] = parts[1] switch
                {
                    "name" => (SpanView.TextOf(value), number),
                    "value" => (name, SpanView.NumberOf(value)),
                    _ => (name, number),
                };
            }
        }

        if (values.Count == 0 && Older(span) is { } older)
        {
            values[0] = (null, older);
        }

        return from pair in values
            where pair.Value.Value is not null
            let given = pair.Value.Value!.Value
            let held = given is >= -1 and <= 1
            select new TraceScore(
                $"{span.Record.TraceId}-{span.Record.SpanId}-r{pair.Key}",
                pair.Value.Name ?? "primary",
                Math.Clamp(given, -1, 1),
                held ? null : given,
                held ? null : "unbounded",
                null,
                span.Record.StartNanos,
                null,
                span.Record
            );
    }

    private static double? Older(SpanView span)
    {
        if (
            span.Attribute("agentops.task.output", "agentops.entity.output") is { } text
            && SpanView.Parsed(text) is { ValueKind: JsonValueKind.Object } output
            && output.TryGetProperty("type", out var type)
            && SpanView.TextOf(type) == "reward"
            && output.TryGetProperty("value", out var value)
        )
        {
            return SpanView.NumberOf(value);
        }

        return span.Record.Name == "agentlightning.annotation" ? span.Number("reward") : null;
    }

    private static string? Text(EventView one, string name) =>
        Find(one, name) is { ValueKind: not JsonValueKind.Null } value ? SpanView.TextOf(value) : null;

    private static double? Number(EventView one, string name) => Find(one, name) is { } value ? SpanView.NumberOf(value) : null;

    private static JsonElement? Find(EventView one, string name) =>
        one.Attributes.TryGetProperty(name, out var value)
        || (one.Body is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty(name, out value))
            ? value
            : null;
}
