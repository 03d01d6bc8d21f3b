using System.Globalization;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Traces.Dialects;

namespace AgentLightning.Traces.Reading;

/// <summary>
/// Reads an episode out of the spans of a trace. What attributes are there decides, and never who sent them. The same spans give the same
/// episode, in whatever order they came.
/// </summary>
internal sealed class TraceEpisode
{
    private const SpanMarks OfAgents = SpanMarks.GenAi | SpanMarks.OpenInference | SpanMarks.Lightning | SpanMarks.Framework;
    private readonly List<SpanView> _spans;
    private readonly Dictionary<SpanView, SpanRole> _roles;
    private readonly Dictionary<SpanView, SpanMessages> _messages = [];
    private readonly SpanView? _root;
    private readonly List<(SpanView Span, SpanMessages Messages)> _calls;

    /// <param name="records">Spans and log records of one trace.</param>
    public TraceEpisode(IReadOnlyList<SpanRecord> records)
    {
        var views = records
            .Where(record => record.Form == SpanForm.Span)
            .OrderBy(record => record.StartNanos)
            .ThenBy(record => record.SpanId, StringComparer.Ordinal)
            .Select(record => new SpanView(record))
            .ToDictionary(view => view.Record.SpanId, StringComparer.Ordinal);
        foreach (
            var log in records
                .Where(record => record.Form == SpanForm.Log)
                .OrderBy(record => record.StartNanos)
                .ThenBy(record => record.SpanId, StringComparer.Ordinal)
        )
        {
            if (!views.TryGetValue(log.ParentId!, out var span))
            {
                // Its span has not come: what it tells is told all the same, as by a span without attributes.
                views[log.ParentId!] = span = new SpanView(
                    log with
                    {
                        SpanId = log.ParentId!,
                        ParentId = null,
                        Form = SpanForm.Span,
                        Name = "",
                        Marks = SpanMarks.None,
                        Body = [],
                    }
                );
            }

            span.Join(log);
        }

        _spans = [.. views.Values];
        foreach (var span in _spans)
        {
            span.Parent = span.Record.ParentId is { } parent && parent != span.Record.SpanId ? views.GetValueOrDefault(parent) : null;
        }

        // Of several spans without a parent, the one that holds the others in time: the root is then not synthesised.
        var tops = _spans.Where(span => span.Parent is null && span.Record.Name.Length > 0 && span.Record.ParentId is null).ToList();
        _root = tops.Count == 0 ? null : tops.Where(IsOfAgents).DefaultIfEmpty(tops[0]).MaxBy(span => span.Milliseconds);
        _roles = _spans.ToDictionary(span => span, TraceDialects.RoleOf);
        _calls = [.. _spans.Where(span => _roles[span] == SpanRole.Inference).Select(span => (span, MessagesOf(span)))];
    }

    /// <summary>What is to be said of how the trace was read, see <see cref="ReadingFindings"/>.</summary>
    public List<TraceFinding> FindingsOf(Episode? episode) =>
        ReadingFindings.Of(
            [
                .. _spans.Select(span =>
                    (span, _roles[span], _roles[span] is SpanRole.Inference or SpanRole.Other ? MessagesOf(span) : SpanMessages.None)
                ),
            ],
            episode
        );

    public List<TraceScore> Scores => ScoreReader.Read(_spans);

    /// <summary>The episode, or null when no span tells of the work of an agent.</summary>
    public Episode? Read()
    {
        if (
            !_spans.Exists(span => IsOfAgents(span) && (span.Record.Marks & ~(OfAgents | SpanMarks.Score | SpanMarks.Agent)) != 0)
            && _calls.Count == 0
            && Tools().Count == 0
        )
        {
            return null;
        }

        var first = _root ?? _spans[0];
        var around = Containers();
        var (top, last) = (around.FirstOrDefault()?.Input, around.MaxBy(side => side.Ended)?.Output);
        var withText = _calls
            .Where(call => !call.Messages.IsEmpty)
            .OrderBy(call => call.Span.Record.EndNanos)
            .ThenBy(call => call.Span.Record.StartNanos)
            .ToList();
        var opening = withText.OrderBy(call => call.Span.Record.StartNanos).FirstOrDefault().Messages;
        var closing = withText.LastOrDefault().Messages;
        var agent =
            _root is { Record: { } ofAgent } && ofAgent.Marks.HasFlag(SpanMarks.Agent)
                ? ofAgent
                : _spans.Find(span => span.Record.Marks.HasFlag(SpanMarks.Agent))?.Record ?? first.Record;
        var messages = closing?.All() ?? Whole(top, last);
        var error = ErrorOf();
        return new Episode
        {
            Id = first.Record.TraceId,
            TraceId = first.Record.TraceId,
            AgentId = agent.AgentId,
            UserInput = Chosen("user", top, opening?.Input, Operation("agentlightning.operation.input")),
            AssistantOutput = Chosen("assistant", last, closing?.Output, Operation("agentlightning.operation.output")),
            CreatedAt = StartOf(first),
            RequestLatencyMs = _root is { Milliseconds: > 0 } whole ? whole.Milliseconds : Envelope(),
            Status = error is null ? EpisodeStatus.Succeeded : EpisodeStatus.Failed,
            Error = error,
            ModelDeployment = AsName(
                _calls
                    .OrderBy(call => call.Span.Record.EndNanos)
                    .Select(call => TraceDialects.ModelOf(call.Span))
                    .LastOrDefault(model => model is not null)
                    ?? TraceDialects.ModelOf(first)
            ),
            SessionId = first.Record.SessionId ?? _spans.Find(span => span.Record.SessionId is not null)?.Record.SessionId,
            UserId = first.Record.UserId ?? _spans.Find(span => span.Record.UserId is not null)?.Record.UserId,
            MessageId = _calls
                .OrderBy(call => call.Span.Record.EndNanos)
                .Select(call => call.Span.Text("gen_ai.response.id", "ai.response.id"))
                .LastOrDefault(id => id is { Length: > 0 and <= 200 }),
            Messages = [.. messages, .. Emitted()],
            ToolCalls = Tools() is { Count: > 0 } tools ? tools : ToolsOf(messages),
            TokenUsage = TraceTokens.UsageOf(_spans, _roles, [.. _calls.Select(call => call.Span)]),
            Tokens = TraceTokens.IdsOf(_calls.Select(call => call.Span).Reverse()),
            TimeToFirstTokenMs = _calls
                .Select(call => TraceDialects.MillisecondsToFirstToken(call.Span))
                .FirstOrDefault(milliseconds => milliseconds is not null),
            Tags = [.. _spans.SelectMany(SpanTags.Of).Distinct().Take(50)],
            Metadata = MetadataOf(first),
        };
    }

    /// <summary>As long as a name may be: longer ones are cut.</summary>
    private static string? AsName(string? text) => text is { Length: > Ids.LongestName } ? text[..Ids.LongestName] : text;

    private static bool IsOfAgents(SpanView span) =>
        (span.Record.Marks & OfAgents) != 0 || span.Events.Exists(one => one.Name.StartsWith("gen_ai.", StringComparison.Ordinal));

    private SpanMessages MessagesOf(SpanView span) =>
        _messages.TryGetValue(span, out var known) ? known : _messages[span] = TraceDialects.MessagesOf(span);

    private bool IsTool(SpanView span) =>
        _roles[span] is SpanRole.Tool or SpanRole.Retrieval || span.Attribute("agentlightning.operation.name") is not null;

    /// <summary>
    /// What the outermost agents, workflows and chains took and gave, in the order in which they began: what is inside of them are steps,
    /// and what is inside of a tool is the tool's.
    /// </summary>
    private List<Container> Containers()
    {
        var around = new List<Container>();
        var speaking = new HashSet<SpanView>();
        foreach (var span in _spans)
        {
            if (_roles[span] != SpanRole.Other || IsTool(span) || MessagesOf(span) is not { IsEmpty: false } told)
            {
                continue;
            }

            speaking.Add(span);
            around.Add(new Container(span, told.Input, told.Output));
        }

        around.RemoveAll(one => IsInside(one.Span, span => speaking.Contains(span) || IsTool(span)));
        return around;
    }

    private bool IsInside(SpanView span, Predicate<SpanView> of)
    {
        // Ids may name each other in a circle.
        var steps = 0;
        for (var up = span.Parent; up is not null && up != span && steps++ < _spans.Count; up = up.Parent)
        {
            if (of(up))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The text of one side: of the container, else of the call, else of an operation; JSON in which nobody found a message only where
    /// there is nothing else.
    /// </summary>
    private static string Chosen(string role, MessageSide? container, MessageSide? call, string? operation)
    {
        var (outer, inner) = (container is { IsRaw: false } ? container : null, call is { IsRaw: false } ? call : null);
        return outer?.Last(role)
            ?? inner?.Last(role)
            ?? outer?.Last()
            ?? inner?.Last()
            ?? operation
            ?? container?.Last()
            ?? call?.Last()
            ?? "";
    }

    private static List<EpisodeMessage> Whole(MessageSide? input, MessageSide? output) =>
        input is null && output is null ? [] : new SpanMessages(input ?? MessageSide.Empty, output ?? MessageSide.Empty, []).All();

    private List<EpisodeToolCall> Tools() =>
        [
            .. _spans
                .Where(IsTool)
                .Where(span => span != _root || span.Attribute("agentlightning.operation.name") is null)
                .Select(span =>
                {
                    var told = TraceDialects.ToolOf(span);
                    return new EpisodeToolCall(
                        told.Name ?? span.Text("agentlightning.operation.name") ?? span.Record.Name,
                        told.Arguments ?? Flattened(span, "agentlightning.operation.input"),
                        told.Result ?? Flattened(span, "agentlightning.operation.output"),
                        span.Milliseconds,
                        span.Record.Status == SpanStatus.Error ? SpanErrors.Of(span) : null
                    );
                }),
        ];

    /// <summary>Where no span tells of tools, the messages may.</summary>
    private static List<EpisodeToolCall> ToolsOf(List<EpisodeMessage> messages) =>
        [
            .. from message in messages
            from call in message.ToolCalls ?? []
            select new EpisodeToolCall(
                call.Name,
                call.Arguments,
                messages.Find(answer => answer.Role == "tool" && answer.ToolCallId == call.Id && call.Id is not null)?.Content,
                0,
                null
            ),
        ];

    /// <summary>What was emitted by name: messages and objects of the agent's own.</summary>
    private IEnumerable<EpisodeMessage> Emitted() =>
        from span in _spans
        let text = span.Text("agentlightning.message.body") ?? span.Text("agentlightning.object.literal", "agentlightning.object.json")
        where text is not null
        select new EpisodeMessage(
            span.Attribute("agentlightning.message.body") is null ? "object" : "message",
            text,
            span.Text("agentlightning.object.type")
        );

    private string? ErrorOf()
    {
        var failed =
            _root is { Record.Status: SpanStatus.Error } root ? root
            : _root is null
                ? _calls
                    .Select(call => call.Span)
                    .Where(span => span.Record.Status == SpanStatus.Error && span == _calls.MaxBy(call => call.Span.Record.EndNanos).Span)
                    .FirstOrDefault()
            : null;
        failed ??= _spans.Find(span => span.Record.Name == "agentlightning.exception");
        return failed is null ? null : SpanErrors.Of(failed) ?? SpanErrors.Deepest(_spans, failed) ?? "error";
    }

    private string? Operation(string prefix) => _root is null ? null : Flattened(_root, prefix);

    /// <summary>A value that was flattened to names with dots, as one JSON object; one without dots as it is.</summary>
    private static string? Flattened(SpanView span, string prefix)
    {
        if (span.Text(prefix) is { } whole)
        {
            return whole;
        }

        var parts = span.Under(prefix + ".").ToList();
        return parts.Count == 0
            ? null
            : JsonSerializer.Serialize(
                parts.DistinctBy(part => part.Name).ToDictionary(part => part.Name, part => part.Value),
                LightningJson.Options
            );
    }

    private Dictionary<string, string>? MetadataOf(SpanView first)
    {
        var metadata = new Dictionary<string, string>();
        Put(
            "provider",
            _calls.Select(call => call.Span).Append(first).Select(TraceDialects.ProviderOf).FirstOrDefault(name => name is not null)
        );
        Put("service", first.Resource("service.name"));
        Put("rollout_id", first.Text("agentlightning.rollout_id") ?? first.Resource("agentlightning.rollout_id"));
        Put("attempt_id", first.Text("agentlightning.attempt_id") ?? first.Resource("agentlightning.attempt_id"));
        Put("workflow", first.Text("gen_ai.workflow.name"));
        // A whole number since 0.1.0 of the conventions, and one with a point before: the same words for both.
        Put(
            "top_k",
            _calls
                .Select(call => call.Span.Number("gen_ai.request.top_k"))
                .LastOrDefault(number => number is not null)
                ?.ToString(CultureInfo.InvariantCulture)
        );
        Put("root", _root is null ? "synthesised" : null);
        return metadata.Count == 0 ? null : metadata;

        void Put(string name, string? value)
        {
            if (value is { Length: > 0 })
            {
                metadata[name] = value;
            }
        }
    }

    /// <summary>The sender's time, unless it gave none or its clock is more than a day ahead of ours.</summary>
    private static DateTimeOffset StartOf(SpanView span)
    {
        var start = DateTimeOffset.UnixEpoch.AddTicks(span.Record.StartNanos / 1000 * TimeSpan.TicksPerMicrosecond);
        return span.Record.StartNanos <= 0 || start > span.Record.ReceivedAt.AddDays(1) ? span.Record.ReceivedAt : start;
    }

    /// <summary>From the first start to the last end, in milliseconds.</summary>
    private double Envelope()
    {
        var timed = _spans.Where(span => span.Record.StartNanos > 0 && span.Record.EndNanos >= span.Record.StartNanos).ToList();
        return timed.Count == 0 ? 0 : (timed.Max(span => span.Record.EndNanos) - timed.Min(span => span.Record.StartNanos)) / 1e6;
    }

    /// <summary>A span around calls, and what it took and gave.</summary>
    private sealed record Container(SpanView Span, MessageSide Input, MessageSide Output)
    {
        public long Ended => Span.Record.EndNanos;
    }
}
