using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Traces.Dialects;

namespace AgentLightning.Traces.Reading;

/// <summary>
/// Something that was found when a trace was read, to be counted under the words of <see cref="TraceCounts"/>; it may be negative.
/// </summary>
internal readonly record struct TraceFinding(string Service, string Scope, string What, long Count);

/// <summary>
/// What the whole of a trace says about how it was read. When its spans came in, each was judged by itself: messages that came as log
/// records, and a session that another span names, were then not seen. The difference is counted here; and in which dialects texts were
/// read, and which attributes hold text that nobody reads, where the episode lacks it.
/// </summary>
internal static class ReadingFindings
{
    /// <summary>Attributes of one trace that are told; the first of them say enough.</summary>
    private const int MostAttributes = 5;

    private const int LongestName = 100;

    /// <summary>Parts of names that say that a text was said, asked or answered.</summary>
    private static readonly string[] s_hints =
    [
        "prompt",
        "message",
        "input",
        "output",
        "completion",
        "response",
        "request",
        "question",
        "answer",
        "content",
        "text",
        "query",
        "result",
        "conversation",
        "transcript",
    ];

    /// <summary>Beginnings of names that are about machines, and not about what was said.</summary>
    private static readonly string[] s_machines =
    [
        "http.",
        "url.",
        "server.",
        "client.",
        "network.",
        "net.",
        "db.",
        "rpc.",
        "messaging.",
        "exception.",
        "error.",
        "code.",
        "thread.",
        "process.",
        "host.",
        "user_agent.",
        "aws.",
        "faas.",
        "next.",
        "graphql.",
        "aspnetcore.",
        "signalr.",
    ];

    public static List<TraceFinding> Of(IReadOnlyList<(SpanView Span, SpanRole Role, SpanMessages Messages)> spans, Episode? episode)
    {
        var findings = new List<TraceFinding>();
        foreach (var (span, role, messages) in spans.Where(one => one.Span.Record.Name.Length > 0 || one.Span.Record.Body.Length > 0))
        {
            foreach (var what in TraceCounts.OfCall(span.Record.Marks, span.Record.SessionId is not null))
            {
                Add(span, what, -1);
            }

            if (role == SpanRole.Inference)
            {
                Add(span, TraceCounts.Inference, 1);
                Add(span, TraceCounts.NoContent, messages.IsEmpty ? 1 : 0);
                Add(span, TraceCounts.NoModel, TraceDialects.ModelOf(span) is null ? 1 : 0);
                Add(span, TraceCounts.NoUsage, TraceDialects.TokensOf(span) is (null, null) ? 1 : 0);
                Add(span, TraceCounts.NoSession, (span.Record.SessionId ?? episode?.SessionId) is null ? 1 : 0);
            }

            foreach (var dialect in messages.Told)
            {
                Add(span, TraceCounts.Dialect + dialect.Name, 1);
            }
        }

        var lacks = episode is null || episode.UserInput.Length == 0 || episode.AssistantOutput.Length == 0;
        var unread = spans
            .Where(one => lacks ? one.Role is SpanRole.Other or SpanRole.Inference : one.Role == SpanRole.Inference && one.Messages.IsEmpty)
            .SelectMany(one => UnreadOf(one.Span).Select(name => (one.Span, Name: name)))
            .ToList();
        var told = unread.Select(one => one.Name).Distinct().Take(MostAttributes).ToHashSet(StringComparer.Ordinal);
        findings.AddRange(unread.Where(one => told.Contains(one.Name)).Select(one => Found(one.Span, TraceCounts.NotRead + one.Name, 1)));
        return
        [
            .. findings
                .GroupBy(finding => (finding.Service, finding.Scope, finding.What))
                .Select(group => new TraceFinding(group.Key.Service, group.Key.Scope, group.Key.What, group.Sum(one => one.Count)))
                .Where(finding => finding.Count != 0),
        ];

        void Add(SpanView span, string what, long count)
        {
            if (count != 0)
            {
                findings.Add(Found(span, what, count));
            }
        }

        static TraceFinding Found(SpanView span, string what, long count) =>
            new(span.Resource("service.name") ?? "", span.Scope, what, count);
    }

    /// <summary>Attributes, and attributes of events, that hold a text under a name that no dialect knows.</summary>
    private static IEnumerable<string> UnreadOf(SpanView span)
    {
        var own = from attribute in span.Attributes where IsUnread(attribute) select attribute.Name;
        var ofEvents =
            from one in span.Events
            where !one.Name.StartsWith("gen_ai.", StringComparison.Ordinal) && one.Name != "exception"
            where one.Attributes.ValueKind == JsonValueKind.Object
            from attribute in one.Attributes.EnumerateObject()
            where IsUnread(attribute)
            select $"{one.Name}: {attribute.Name}";
        return own.Concat(ofEvents).Select(name => name.Length <= LongestName ? name : name[..LongestName]).Distinct();
    }

    private static bool IsUnread(JsonProperty attribute) =>
        Array.Exists(s_hints, hint => attribute.Name.Contains(hint, StringComparison.OrdinalIgnoreCase))
        && !Array.Exists(s_machines, machine => attribute.Name.StartsWith(machine, StringComparison.Ordinal))
        && !IsKnown(attribute.Name)
        && IsText(attribute.Value);

    private static bool IsKnown(string name) =>
        name.StartsWith("agentlightning.", StringComparison.Ordinal)
        || TraceDialects.All.Any(dialect =>
            dialect.Attributes.Any(known =>
                known[^1] is '.' or ':' ? name.StartsWith(known, StringComparison.Ordinal) : name.Equals(known, StringComparison.Ordinal)
            )
        );

    /// <summary>More than a word or a number: blanks between words, or a structure.</summary>
    private static bool IsText(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => SpanView.TextOf(value).AsSpan().Trim() is var text
                && text.ContainsAnyInRange('A', '\uffff')
                && (text.Contains(' ') || text[0] is '{' or '['),
            JsonValueKind.Array => value.GetArrayLength() > 0,
            JsonValueKind.Object => true,
            _ => false,
        };
}
