using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Loops;

/// <summary>Examples from messages, token for token as a model reads and writes them when it answers.</summary>
internal sealed class ConversationReader(Tokenizer tokenizer, LearnedTurns learned)
{
    private const string WayOut = "Learn the last message only, or each answer in an example of its own ('last', 'each').";

    /// <param name="where">Of the row, for errors.</param>
    public IReadOnlyList<TokenExample> Read(JsonElement row, string where)
    {
        var messages = row.GetProperty("messages");
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() < 2)
        {
            throw new InvalidDataException(
                $"{where}: 'messages' must be a list of at least two, the last of which is learned, or every answer."
            );
        }

        object?[]? tools =
            !row.TryGetProperty("tools", out var given) || given.ValueKind == JsonValueKind.Null ? null
            : given.ValueKind == JsonValueKind.Array ? [.. given.EnumerateArray().Select(tool => (object?)tool)]
            : throw new InvalidDataException($"{where}: 'tools' must be a list of functions, but it is {given.ValueKind}.");
        object?[] all = [.. messages.EnumerateArray().Select(message => WithArguments(message))];
        try
        {
            if (learned == LearnedTurns.Last)
            {
                return [One(all, tools, where)];
            }

            int[] answers =
            [
                .. messages
                    .EnumerateArray()
                    .Index()
                    .Where(message => IsLearned(message.Item, message.Index, where))
                    .Select(message => message.Index),
            ];
            return answers.Length == 0
                    ? throw new InvalidDataException(
                        $"{where}: no message of 'assistant' after the first has a 'weight' other than 0, so there is nothing to learn."
                    )
                : learned == LearnedTurns.Each ? [.. answers.Select(answer => One(all[..(answer + 1)], tools, where))]
                : [Whole(all, tools, answers, where)];
        }
        catch (Exception e) when (e is ChatTemplateException or InvalidOperationException)
        {
            throw new InvalidDataException($"{where}: {e.Message}", e);
        }
    }

    /// <summary>Something to read, and what to say to it.</summary>
    public static TokenExample Example(int[] prompt, int[] completion) => new([.. prompt, .. completion], Math.Max(prompt.Length, 1));

    private static bool IsLearned(JsonElement message, int index, string where)
    {
        if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("role", out var role) || !role.ValueEquals("assistant"))
        {
            return false;
        }

        var weight = 1d;
        return
            !message.TryGetProperty("weight", out var given)
            || (given.ValueKind == JsonValueKind.Number && given.TryGetDouble(out weight) && weight is 0 or 1)
            // What answers nothing was not written by a model.
            ? weight == 1 && index > 0
            : throw new InvalidDataException(
                $"{where}: message {index} has the weight {given.GetRawText()}, but an answer is learned (1) or not (0). Give the row a "
                    + $"'weight' instead."
            );
    }

    private TokenExample One(object?[] messages, object?[]? tools, string where)
    {
        var (prompt, whole) = (
            tokenizer.RenderChat(messages[..^1], tools),
            tokenizer.RenderChat(messages, tools, addGenerationPrompt: false)
        );
        return whole.StartsWith(prompt, StringComparison.Ordinal)
            ? Example(tokenizer.Encode(prompt, addSpecialTokens: false), tokenizer.Encode(whole[prompt.Length..], addSpecialTokens: false))
            : throw new InvalidDataException(
                $"{where}: with message {messages.Length - 1} the chat template does not only add to the text before it, so what is to be "
                    + $"learned cannot be told apart. Give 'prompt' and 'completion' instead."
            );
    }

    /// <summary>
    /// The conversation once. Each answer must follow exactly the tokens that the model is given when it is asked for that answer.
    /// </summary>
    private TokenExample Whole(object?[] messages, object?[]? tools, int[] answers, string where)
    {
        var (text, marked) = tokenizer.RenderMarkedChat(messages, tools, addGenerationPrompt: false);
        var parts =
            marked.Count > 0
                ? Marked(messages, marked, answers, where)
                : [.. answers.Select(answer => Part(messages, tools, answer, text, where))];
        var ids = tokenizer.Encode(text, addSpecialTokens: false);
        var said = parts
            .Zip(answers, (part, answer) =>
                (From: TokensBefore(text, part.Start.Value, ids, answer, where), To: TokensBefore(text, part.End.Value, ids, answer, where))
            )
            .Where(part => part.From < part.To)
            .ToArray();
        // Answers that follow each other are one part.
        Range[] read =
        [
            .. said.Zip([.. said.Skip(1).Select(part => part.From), ids.Length], (part, next) => part.To..next)
                .Where(range => range.Start.Value < range.End.Value),
        ];
        return new TokenExample(ids, said.Length > 0 ? said[0].From : ids.Length, OnlyRead: read.Length > 0 ? read : null);
    }

    private static Range[] Marked(object?[] messages, IReadOnlyList<Range> marked, int[] answers, string where)
    {
        int[] said = [.. messages.Index().Where(message => RoleOf(message.Item) == "assistant").Select(message => message.Index)];
        return said.Length == marked.Count
            ? [.. answers.Select(answer => marked[Array.IndexOf(said, answer)])]
            : throw new InvalidDataException(
                $"{where}: the chat template marks {marked.Count} parts as generated, but {said.Length} messages are of 'assistant'. "
                    + $"{WayOut}"
            );
    }

    private Range Part(object?[] messages, object?[]? tools, int answer, string text, string where)
    {
        var prompt = tokenizer.RenderChat(messages[..answer], tools);
        var whole =
            answer == messages.Length - 1 ? text : tokenizer.RenderChat(messages[..(answer + 1)], tools, addGenerationPrompt: false);
        return whole.StartsWith(prompt, StringComparison.Ordinal) && text.StartsWith(whole, StringComparison.Ordinal)
            ? prompt.Length..whole.Length
            : throw new InvalidDataException(
                $"{where}: the chat template writes message {answer} differently once more is said, or does not only add it to the text "
                    + $"before, so the conversation cannot be learned as one. {WayOut}"
            );
    }

    private int TokensBefore(string text, int edge, int[] ids, int answer, string where)
    {
        var before = tokenizer.Encode(text[..edge], addSpecialTokens: false);
        return ids.AsSpan().StartsWith(before)
            ? before.Length
            : throw new InvalidDataException(
                $"{where}: a token of the conversation goes over the border of message {answer}, at "
                    + $"'{text[Math.Max(0, edge - 10)..edge]}|{text[edge..Math.Min(text.Length, edge + 10)]}', so that it is not what the "
                    + $"model is given when it answers. {WayOut}"
            );
    }

    private static string? RoleOf(object? message) =>
        message switch
        {
            JsonElement { ValueKind: JsonValueKind.Object } element => element.TryGetProperty("role", out var role)
            && role.ValueKind == JsonValueKind.String
                ? role.GetString()
                : null,
            JsonObject node => node["role"]?.ToString(),
            _ => null,
        };

    /// <summary>OpenAI has the arguments of calls as JSON in a text; templates want them as they are.</summary>
    private static object? WithArguments(JsonElement message)
    {
        if (
            message.ValueKind != JsonValueKind.Object
            || !message.TryGetProperty("tool_calls", out var calls)
            || calls.ValueKind != JsonValueKind.Array
        )
        {
            return message;
        }

        var copy = JsonObject.Create(message)!;
        foreach (var call in copy["tool_calls"]!.AsArray().OfType<JsonObject>())
        {
            var function = call["function"] as JsonObject ?? call;
            if (function["arguments"] is JsonValue value && value.TryGetValue<string>(out var text) && Parsed(text) is { } parsed)
            {
                function["arguments"] = parsed;
            }
        }

        return copy;
    }

    private static JsonObject? Parsed(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            // A model's call that is no JSON stays as it was written.
            return null;
        }
    }
}
