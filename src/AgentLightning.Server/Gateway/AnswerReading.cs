using System.Text.Json;
using AgentLightning.Episodes;

namespace AgentLightning.Server.Gateway;

/// <summary>What a model answered, in an episode's words; whole or as a stream, also one that broke off.</summary>
internal sealed class AnswerReading
{
    private readonly ChoiceReading _first = new();
    private readonly SortedDictionary<int, ChoiceReading> _others = [];
    private string? _finish;

    public string? Id { get; private set; }

    public string? Model { get; private set; }

    public TokenUsage? Usage { get; private set; }

    public string? Error { get; private set; }

    public List<int>? PromptIds { get; private set; }

    public List<int>? CompletionIds => _first.TokenIds;

    public List<double>? LogProbabilities => _first.LogProbabilities;

    public string? FinishReason => _first.FinishReason ?? _finish;

    /// <summary>Events that are no JSON.</summary>
    public int Malformed { get; private set; }

    public string Text => _first.Text;

    /// <summary>The message of the first choice; null when there is none.</summary>
    public EpisodeMessage? Message => _first.Message;

    public IReadOnlyList<MessageToolCall> Calls => _first.Message?.ToolCalls ?? [];

    /// <summary>The messages of the other choices.</summary>
    public List<EpisodeMessage> Choices => [.. _others.Values.Select(choice => choice.Message ?? new EpisodeMessage("assistant", null))];

    public static AnswerReading Of(ModelRoute route, ReadOnlySpan<byte> answer)
    {
        var reading = new AnswerReading();
        var text = answer.TrimStart("\uFEFF \r\n\t"u8);
        if (text.Length > 0 && text[0] == '{')
        {
            reading.Take(route, text);
            return reading;
        }

        using var events = new SseBuffer();
        while (answer.Length > 0 && events.TryFree(out var room))
        {
            var count = Math.Min(room.Length, answer.Length);
            answer[..count].CopyTo(room.Span);
            answer = answer[count..];
            events.Add(count);
            while (events.TryNext(out var one))
            {
                reading.Take(route, events, one);
            }
        }

        if (events.TryLast(out var last))
        {
            reading.Take(route, events, last);
        }

        return reading;
    }

    private void Take(ModelRoute route, SseBuffer events, in SseEvent one)
    {
        if (one.DataLines > 0 && !events.DataOf(one).SequenceEqual("[DONE]"u8))
        {
            Take(route, events.DataOf(one));
        }
    }

    private void Take(ModelRoute route, ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = 256 });
            using var json = JsonDocument.ParseValue(ref reader);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                Malformed++;
            }
            else if (route == ModelRoute.Responses)
            {
                ResponseReading.Take(this, _first, json.RootElement);
            }
            else
            {
                Take(json.RootElement);
            }
        }
        catch (JsonException)
        {
            Malformed++;
        }
    }

    /// <summary>What every answer and every piece of one may say of itself.</summary>
    public void TakeHead(JsonElement answer, string usage, string prompt, string completion)
    {
        Id ??= EpisodeTexts.Member(answer, "id") is { Length: > 0 } id ? id : null;
        Model ??= EpisodeTexts.Member(answer, "model") is { Length: > 0 } model ? model : null;
        if (answer.TryGetProperty("error", out var error) && error.ValueKind is JsonValueKind.Object or JsonValueKind.String)
        {
            Error = EpisodeTexts.Member(error, "message") ?? error.ToString();
        }

        if (answer.TryGetProperty(usage, out var counts) && counts.ValueKind == JsonValueKind.Object)
        {
            var (read, written) = (Count(counts, prompt), Count(counts, completion));
            Usage = new TokenUsage(read, written, Count(counts, "total_tokens") is > 0 and var total ? total : read + written);
        }
    }

    public void Finish(string? reason) => _finish = reason ?? _finish;

    private void Take(JsonElement answer)
    {
        TakeHead(answer, "usage", "prompt_tokens", "completion_tokens");
        PromptIds = Numbers(answer, "prompt_token_ids") ?? PromptIds;
        if (!answer.TryGetProperty("choices", out var choices) || choices.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        foreach (var choice in choices.EnumerateArray().Where(choice => choice.ValueKind == JsonValueKind.Object))
        {
            var index = choice.TryGetProperty("index", out var at) && at.TryGetInt32(out var number) ? number : 0;
            var reading =
                index == 0 ? _first
                : _others.TryGetValue(index, out var known) ? known
                : _others[index] = new ChoiceReading();
            reading.Take(choice);
            PromptIds = index == 0 ? Numbers(choice, "prompt_token_ids") ?? PromptIds : PromptIds;
        }
    }

    /// <summary>Null where there are none.</summary>
    public static List<int>? Numbers(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var numbers = new List<int>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out var number) || number < 0)
            {
                return null;
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private static int Count(JsonElement counts, string name) =>
        counts.TryGetProperty(name, out var count) && count.ValueKind == JsonValueKind.Number && count.TryGetInt32(out var number)
            ? Math.Max(number, 0)
            : 0;
}
