using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Traces.Reading;

/// <summary>
/// Reads an episode out of the spans of a trace. What attributes are there decides, and never who sent them. The same spans give the same
/// episode, in whatever order they came.
/// </summary>
internal sealed class TraceEpisode
{
    private const SpanMarks OfAgents = SpanMarks.GenAi | SpanMarks.OpenInference | SpanMarks.Lightning;
    private readonly List<SpanView> _spans;
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
        _calls = [.. _spans.Where(IsInference).Select(span => (span, MessageReader.Read(span)))];
    }

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
        var top = _root is { } root && MessageReader.Read(root) is { IsEmpty: false } ofRoot && !IsInference(root) ? ofRoot : null;
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
        List<EpisodeMessage> messages =
            closing is not null ? [.. closing.Input, .. closing.Output]
            : top is not null ? [.. top.Input, .. top.Output]
            : [];
        var error = ErrorOf();
        return new Episode
        {
            Id = first.Record.TraceId,
            TraceId = first.Record.TraceId,
            AgentId = agent.AgentId,
            UserInput = Last(top?.Input, "user")
                ?? Last(opening?.Input, "user")
                ?? Text(top?.Input ?? opening?.Input)
                ?? Operation("agentlightning.operation.input")
                ?? "",
            AssistantOutput = Last(top?.Output, "assistant")
                ?? Last(closing?.Output, "assistant")
                ?? Text(top?.Output ?? closing?.Output)
                ?? Operation("agentlightning.operation.output")
                ?? "",
            CreatedAt = StartOf(first),
            RequestLatencyMs = _root is { Milliseconds: > 0 } whole ? whole.Milliseconds : Envelope(),
            Status = error is null ? EpisodeStatus.Succeeded : EpisodeStatus.Failed,
            Error = error,
            ModelDeployment = AsName(
                _calls
                    .OrderBy(call => call.Span.Record.EndNanos)
                    .Select(call => call.Span.Text("gen_ai.response.model", "gen_ai.request.model", "llm.model_name"))
                    .LastOrDefault(model => model is not null)
                    ?? first.Text("gen_ai.response.model", "gen_ai.request.model", "llm.model_name")
            ),
            SessionId = first.Record.SessionId ?? _spans.Find(span => span.Record.SessionId is not null)?.Record.SessionId,
            UserId = first.Record.UserId ?? _spans.Find(span => span.Record.UserId is not null)?.Record.UserId,
            MessageId = _calls
                .OrderBy(call => call.Span.Record.EndNanos)
                .Select(call => call.Span.Text("gen_ai.response.id"))
                .LastOrDefault(id => id is { Length: > 0 and <= 200 }),
            Messages = [.. messages, .. Emitted()],
            ToolCalls = Tools() is { Count: > 0 } tools ? tools : ToolsOf(messages),
            TokenUsage = Usage(),
            Tokens = TokensOf(),
            TimeToFirstTokenMs =
                _calls
                    .Select(call => call.Span.Number("gen_ai.response.time_to_first_chunk"))
                    .FirstOrDefault(seconds => seconds is not null) * 1000,
            Tags = [.. _spans.SelectMany(TagsOf).Distinct().Take(50)],
            Metadata = MetadataOf(first),
        };
    }

    /// <summary>As long as a name may be: longer ones are cut.</summary>
    private static string? AsName(string? text) => text is { Length: > Ids.LongestName } ? text[..Ids.LongestName] : text;

    private static bool IsOfAgents(SpanView span) =>
        (span.Record.Marks & OfAgents) != 0 || span.Events.Exists(one => one.Name.StartsWith("gen_ai.", StringComparison.Ordinal));

    private static bool IsInference(SpanView span) =>
        span.Text("gen_ai.operation.name") is { } operation
            ? operation is "chat" or "text_completion" or "generate_content" or "chat.completions" or "text.completions"
        : span.Text("openinference.span.kind") is { } kind ? kind.Equals("LLM", StringComparison.OrdinalIgnoreCase)
        : span.Record.Marks.HasFlag(SpanMarks.Inference)
            || span.Events.Exists(one =>
                one.Name is "gen_ai.user.message" or "gen_ai.choice" or "gen_ai.content.prompt" or "gen_ai.content.completion"
            );

    private static bool IsTool(SpanView span) =>
        span.Text("gen_ai.operation.name") is { } operation ? operation == "execute_tool"
        : span.Text("openinference.span.kind") is { } kind ? kind.Equals("TOOL", StringComparison.OrdinalIgnoreCase)
        : span.Attribute("gen_ai.tool.name", "tool.name") is not null || span.Attribute("agentlightning.operation.name") is not null;

    private List<EpisodeToolCall> Tools() =>
        [
            .. _spans
                .Where(IsTool)
                .Where(span => span != _root || span.Attribute("agentlightning.operation.name") is null)
                .Select(span => new EpisodeToolCall(
                    span.Text("gen_ai.tool.name", "tool.name", "agentlightning.operation.name") ?? span.Record.Name,
                    span.Text("gen_ai.tool.call.arguments", "tool.parameters", "input.value")
                        ?? Flattened(span, "agentlightning.operation.input"),
                    span.Text("gen_ai.tool.call.result", "output.value") ?? Flattened(span, "agentlightning.operation.output"),
                    span.Milliseconds,
                    span.Record.Status == SpanStatus.Error ? ErrorOf(span) : null
                )),
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

    /// <summary>
    /// Two layers of a program may tell of the same call, one inside the other: the outer one counts, or the inner where the outer tells
    /// nothing.
    /// </summary>
    private TokenUsage? Usage()
    {
        var counted = new List<(SpanView Span, double Input, double Output)>();
        foreach (var span in _calls.Select(call => call.Span).DefaultIfEmpty(_root).OfType<SpanView>())
        {
            var input = span.Number("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt");
            var output = span.Number("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion");
            if (input is not null || output is not null)
            {
                counted.Add((span, input ?? 0, output ?? 0));
            }
        }

        var outer = counted.Where(one => !counted.Exists(other => other.Span != one.Span && IsAbove(other.Span, one.Span))).ToList();
        var (read, written) = (Count(outer.Sum(one => one.Input)), Count(outer.Sum(one => one.Output)));
        return outer.Count == 0 ? null : new TokenUsage(read, written, Count((double)read + written));

        static int Count(double value) => (int)Math.Clamp(value, 0, int.MaxValue);
    }

    private bool IsAbove(SpanView above, SpanView span)
    {
        // Ids may name each other in a circle.
        var (up, steps) = (span.Parent, 0);
        while (up is not null && up != above && steps++ < _spans.Count)
        {
            up = up.Parent;
        }

        return up == above;
    }

    private EpisodeTokens? TokensOf()
    {
        foreach (var (span, _) in Enumerable.Reverse(_calls))
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
        return failed is null ? null : ErrorOf(failed) ?? Deepest(failed) ?? "error";
    }

    /// <summary>Where a span only says that it failed, the last failure below it says how.</summary>
    private string? Deepest(SpanView failed) =>
        _spans
            .Where(span => span.Record.Status == SpanStatus.Error && IsAbove(failed, span))
            .Select(ErrorOf)
            .LastOrDefault(error => error is not null);

    private static string? ErrorOf(SpanView span)
    {
        var exception = span.Events.FindLast(one => one.Name == "exception");
        var type = Of("exception.type") ?? span.Text("exception.type", "error.type");
        var message = Of("exception.message") ?? span.Text("exception.message") ?? span.StatusMessage;
        return type is null ? message
            : message is null ? type
            : $"{type}: {message}";

        string? Of(string name) =>
            exception is not null && exception.Attributes.TryGetProperty(name, out var value) ? SpanView.TextOf(value) : null;
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

    private static IEnumerable<string> TagsOf(SpanView span)
    {
        var listed =
            span.Attribute("tag.tags") is { } value && SpanView.Parsed(value) is { ValueKind: JsonValueKind.Array } list
                ? list.EnumerateArray().Select(SpanView.TextOf)
                : [];
        return listed.Concat(span.Under("agentlightning.tag.").Select(tag => SpanView.TextOf(tag.Value)));
    }

    private Dictionary<string, string>? MetadataOf(SpanView first)
    {
        var metadata = new Dictionary<string, string>();
        Put(
            "provider",
            _calls
                .Select(call => call.Span)
                .Append(first)
                .Select(span => span.Text("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"))
                .FirstOrDefault(name => name is not null)
        );
        Put("service", first.Resource("service.name"));
        Put("rollout_id", first.Text("agentlightning.rollout_id") ?? first.Resource("agentlightning.rollout_id"));
        Put("attempt_id", first.Text("agentlightning.attempt_id") ?? first.Resource("agentlightning.attempt_id"));
        Put("workflow", first.Text("gen_ai.workflow.name"));
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

    private static string? Last(List<EpisodeMessage>? messages, string role) =>
        messages?.FindLast(message => message.Role == role && message.Content is { Length: > 0 })?.Content;

    private static string? Text(List<EpisodeMessage>? messages) =>
        messages?.FindLast(message => message.Content is { Length: > 0 })?.Content;
}
