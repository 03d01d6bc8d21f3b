using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Traces.Dialects;

namespace AgentLightning.Traces.Reading;

/// <summary>Reads out of the spans of a trace how many tokens were used, and which.</summary>
internal static class TraceTokens
{
    /// <summary>
    /// Two layers of a program may tell of the same call, one inside the other: the outer one counts, or the inner where the outer tells
    /// nothing.
    /// </summary>
    public static TokenUsage? UsageOf(List<SpanView> spans, Dictionary<SpanView, SpanRole> roles, IReadOnlyList<SpanView> calls)
    {
        var counted = CountedOf(calls);
        if (counted.Count == 0)
        {
            // What is around the calls holds a sum of theirs, or the last one's: only where no call tells its own.
            counted = CountedOf(spans.Where(span => roles[span] == SpanRole.Other));
        }

        var outer = counted
            .Where(one => !counted.Exists(other => other.Span != one.Span && one.Span.IsBelow(other.Span, spans.Count)))
            .ToList();
        var (read, written) = (Count(outer.Sum(one => one.Input)), Count(outer.Sum(one => one.Output)));
        return outer.Count == 0 ? null : new TokenUsage(read, written, Count((double)read + written));

        static int Count(double value) => (int)Math.Clamp(value, 0, int.MaxValue);
    }

    private static List<(SpanView Span, double Input, double Output)> CountedOf(IEnumerable<SpanView> spans) =>
        [
            .. from span in spans
            let tokens = TraceDialects.TokensOf(span)
            where tokens is not (null, null)
            select (span, tokens.Input ?? 0, tokens.Output ?? 0),
        ];

    /// <summary>Token ids as the engine gave them, of the first of these calls that holds them.</summary>
    public static EpisodeTokens? IdsOf(IEnumerable<SpanView> calls)
    {
        foreach (var span in calls)
        {
            if (Numbers(span.Attribute("prompt_token_ids")) is { } prompt && Numbers(span.Attribute("response_token_ids")) is { } response)
            {
                return new EpisodeTokens(
                    [.. prompt.Select(id => (int)id)],
                    [.. response.Select(id => (int)id)],
                    Logs(span.Attribute("logprobs.content")) is { } logs && logs.Count == response.Count ? logs : null
                );
            }
        }

        return null;

        static List<double>? Numbers(JsonElement? given) =>
            given is { } value
            && SpanView.Parsed(value) is { ValueKind: JsonValueKind.Array } list
            && list.EnumerateArray().Select(SpanView.NumberOf).ToList() is var numbers
            && !numbers.Exists(number => number is null or < 0 or > int.MaxValue)
                ? numbers.ConvertAll(number => number!.Value)
                : null;

        static List<double>? Logs(JsonElement? given) =>
            given is { } value
            && SpanView.Parsed(value) is { ValueKind: JsonValueKind.Array } list
            && list.EnumerateArray()
                .Select(item =>
                    item.ValueKind == JsonValueKind.Object && item.TryGetProperty("logprob", out var log)
                        ? SpanView.NumberOf(log)
                        : SpanView.NumberOf(item)
                )
                .ToList()
                is var logs
            && !logs.Contains(null)
                ? logs.ConvertAll(log => log!.Value)
                : null;
    }
}
