using System.Text.Json;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Loops;

/// <summary>
/// Examples from a file. JSON lines hold <c>{"prompt", "completion"}</c>, of which the completion is learned; <c>{"messages"}</c>, of which the last is; or <c>{"text"}</c>, all of
/// which is; each with <c>"weight"</c> if it counts more or less, and <c>"reward"</c> if one is known. Any other file is one text, cut into windows. Completions and texts end with the token that ends texts.
/// </summary>
/// <param name="maxTokens">Longest example, at least 2. A row that is longer is an error; plain text is cut.</param>
public sealed class ExampleReader(Tokenizer tokenizer, int maxTokens)
{
    /// <summary>Reads a file; what is wrong is an <see cref="InvalidDataException"/> that names it, the line, and what is expected there.</summary>
    public IReadOnlyList<TokenExample> Read(string path)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 2);
        if (!path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase))
        {
            return Windows(File.ReadAllText(path));
        }

        var examples = new List<TokenExample>();
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                examples.Add(Row(line, $"{path}, line {number}"));
            }
        }

        return examples;
    }

    private List<TokenExample> Windows(string text)
    {
        int[] ids = [.. tokenizer.Encode(text), .. tokenizer.EosIds.Take(1)];
        // A window of one token teaches nothing.
        return [.. ids.Chunk(maxTokens).Where(window => window.Length > 1).Select(window => new TokenExample(window, 1))];
    }

    private TokenExample Row(string line, string where)
    {
        JsonElement row;
        try
        {
            using var document = JsonDocument.Parse(line);
            row = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{where}: not JSON: {e.Message}", e);
        }

        if (row.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{where}: a row must be an object, but it is {row.ValueKind}.");
        }

        var weight = Number(row, "weight", where);
        if (weight < 0)
        {
            throw new InvalidDataException($"{where}: 'weight' must be a number of 0 or more, but it is {row.GetProperty("weight").GetRawText()}.");
        }

        var (prompt, completion) = Parts(row, where);
        int[] tokens = [.. prompt, .. completion];
        var from = Math.Max(prompt.Length, 1);
        if (tokens.Length > maxTokens || from >= tokens.Length)
        {
            throw new InvalidDataException($"{where}: the row has {prompt.Length} tokens before those that are learned and {completion.Length} of these; there must be at least 1 with one before it, and at most {maxTokens} in all.");
        }

        return new TokenExample(tokens, from, weight ?? 1, Number(row, "reward", where));
    }

    private (int[] Prompt, int[] Completion) Parts(JsonElement row, string where)
    {
        if (row.TryGetProperty("messages", out var messages))
        {
            return Chat(messages, where);
        }

        if (row.TryGetProperty("text", out var text))
        {
            return ([], [.. tokenizer.Encode(Text(text, "text", where)), .. tokenizer.EosIds.Take(1)]);
        }

        return row.TryGetProperty("prompt", out var prompt) && row.TryGetProperty("completion", out var completion)
            ? (tokenizer.Encode(Text(prompt, "prompt", where)), [.. tokenizer.Encode(Text(completion, "completion", where), addSpecialTokens: false), .. tokenizer.EosIds.Take(1)])
            : throw new InvalidDataException($"{where}: a row must have 'prompt' and 'completion', or 'messages', or 'text', but it has: {string.Join(", ", row.EnumerateObject().Select(property => property.Name))}.");
    }

    private (int[] Prompt, int[] Completion) Chat(JsonElement messages, string where)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() < 2)
        {
            throw new InvalidDataException($"{where}: 'messages' must be a list of at least two, the last of which is learned.");
        }

        object?[] all = [.. messages.EnumerateArray().Select(message => (object?)message)];
        string prompt, whole;
        try
        {
            (prompt, whole) = (tokenizer.RenderChat(all[..^1]), tokenizer.RenderChat(all, addGenerationPrompt: false));
        }
        catch (Exception e) when (e is ChatTemplateException or InvalidOperationException)
        {
            throw new InvalidDataException($"{where}: {e.Message}", e);
        }

        return whole.StartsWith(prompt, StringComparison.Ordinal)
            ? (tokenizer.Encode(prompt, addSpecialTokens: false), tokenizer.Encode(whole[prompt.Length..], addSpecialTokens: false))
            : throw new InvalidDataException($"{where}: with the last message the chat template does not only add to the text before it, so what is to be learned cannot be told apart. Give 'prompt' and 'completion' instead.");
    }

    private static string Text(JsonElement value, string name, string where) => value.ValueKind == JsonValueKind.String
        ? value.GetString()!
        : throw new InvalidDataException($"{where}: '{name}' must be a text, but it is {value.ValueKind}.");

    private static float? Number(JsonElement row, string name, string where)
    {
        if (!row.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) && float.IsFinite(number)
            ? number
            : throw new InvalidDataException($"{where}: '{name}' must be a number, but it is {value.GetRawText()}.");
    }
}
