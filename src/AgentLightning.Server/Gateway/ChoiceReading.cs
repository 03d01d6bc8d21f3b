using System.Text;
using System.Text.Json;
using AgentLightning.Episodes;

namespace AgentLightning.Server.Gateway;

/// <summary>One of the answers, put together from its pieces.</summary>
internal sealed class ChoiceReading
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _refusal = new();
    private readonly SortedDictionary<int, (string? Id, string? Name, StringBuilder Arguments)> _calls = [];
    private string? _told;
    private bool _any;

    public string? FinishReason { get; private set; }

    public List<int>? TokenIds { get; private set; }

    public List<double>? LogProbabilities { get; private set; }

    /// <summary>One object until more comes: what is told twice is redacted once.</summary>
    public string Text => _told ??= EpisodeTexts.Text(_text.Length > 0 ? _text.ToString() : _refusal.ToString())!;

    public EpisodeMessage? Message =>
        !_any
            ? null
            : new EpisodeMessage(
                "assistant",
                Text is { Length: > 0 } text ? text
                    : _calls.Count > 0 ? null
                    : "",
                ToolCalls: _calls.Count == 0
                    ? null
                    :
                    [
                        .. _calls.Values.Select(call => new MessageToolCall(
                            EpisodeTexts.Name(call.Id),
                            EpisodeTexts.Name(call.Name) ?? "unnamed",
                            EpisodeTexts.Text(call.Arguments.ToString())
                        )),
                    ]
            );

    /// <summary>A choice of an answer, or of a piece of one.</summary>
    public void Take(JsonElement choice)
    {
        (_any, _told) = (true, null);
        FinishReason = EpisodeTexts.Member(choice, "finish_reason") ?? FinishReason;
        if (AnswerReading.Numbers(choice, "token_ids") is { } ids)
        {
            (TokenIds ??= []).AddRange(ids);
        }

        if (choice.TryGetProperty("logprobs", out var logs) && logs.ValueKind == JsonValueKind.Object)
        {
            TakeLogs(logs);
        }

        AddText(EpisodeTexts.Member(choice, "text"));
        if (
            (choice.TryGetProperty("delta", out var message) || choice.TryGetProperty("message", out message))
            && message.ValueKind == JsonValueKind.Object
        )
        {
            AddText(message.TryGetProperty("content", out var content) ? EpisodeTexts.Content(content) : null);
            _refusal.Append(EpisodeTexts.Member(message, "refusal"));
            TakeCalls(message);
        }
    }

    public void AddText(string? text)
    {
        _any |= text is not null;
        _told = null;
        _text.Append(text);
    }

    /// <summary>A call, or a further piece of its arguments.</summary>
    public void AddCall(int index, string? id, string? name, string? arguments)
    {
        _any = true;
        var known = _calls.TryGetValue(index, out var call) ? call : (null, null, new StringBuilder());
        known.Arguments.Append(arguments);
        _calls[index] = (id ?? known.Id, name ?? known.Name, known.Arguments);
    }

    private void TakeCalls(JsonElement message)
    {
        if (!message.TryGetProperty("tool_calls", out var calls) || calls.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        var place = 0;
        foreach (var call in calls.EnumerateArray().Where(call => call.ValueKind == JsonValueKind.Object))
        {
            var index = call.TryGetProperty("index", out var at) && at.TryGetInt32(out var number) ? number : place;
            var function =
                call.TryGetProperty("function", out var inner) ? inner
                : call.TryGetProperty("custom", out inner) ? inner
                : default;
            AddCall(
                index,
                EpisodeTexts.Member(call, "id"),
                EpisodeTexts.Member(function, "name"),
                EpisodeTexts.Member(function, "arguments") ?? EpisodeTexts.Member(function, "input")
            );
            place++;
        }
    }

    /// <summary>Of chat a list of tokens, of completions a list of numbers.</summary>
    private void TakeLogs(JsonElement logs)
    {
        var list =
            logs.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.Array
                ? content.EnumerateArray().Select(token => token.TryGetProperty("logprob", out var log) ? log : default)
            : logs.TryGetProperty("token_logprobs", out var numbers) && numbers.ValueKind == JsonValueKind.Array ? numbers.EnumerateArray()
            : [];
        foreach (var log in list)
        {
            (LogProbabilities ??= []).Add(log.ValueKind == JsonValueKind.Number ? log.GetDouble() : double.NaN);
        }
    }
}
