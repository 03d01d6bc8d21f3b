using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Pairs of answers from JSON lines: <c>{"prompt", "chosen", "rejected"}</c>, texts; or <c>{"input": {"messages"}, "preferred_output", "non_preferred_output"}</c>, lists of messages.
/// Answers end with the token that ends texts, or as the chat template ends them.
/// </summary>
internal static class PreferenceRows
{
    public static IReadOnlyList<PreferencePair> Read(string path, Tokenizer tokenizer)
    {
        if (!File.Exists(path))
        {
            throw LightningException.Invalid($"There is no file '{path}'. --data and --held-out take JSON lines with prompt, chosen and rejected.");
        }

        return [.. File.ReadLines(path).Select((line, index) => (line, index)).Where(row => !string.IsNullOrWhiteSpace(row.line)).Select(row => Row(row.line, $"{path}, line {row.index + 1}", tokenizer))];
    }

    private static PreferencePair Row(string line, string where, Tokenizer tokenizer)
    {
        JsonElement row;
        try
        {
            using var document = JsonDocument.Parse(line);
            row = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw LightningException.Invalid($"{where}: not JSON: {e.Message}");
        }

        if (Text(row, "prompt") is { } prompt && Text(row, "chosen") is { } chosen && Text(row, "rejected") is { } rejected)
        {
            return new PreferencePair(tokenizer.Encode(prompt), Answer(chosen), Answer(rejected));
        }

        return row.ValueKind == JsonValueKind.Object && row.TryGetProperty("input", out var input) && input.ValueKind == JsonValueKind.Object && List(input, "messages") is { } messages
            && List(row, "preferred_output") is { } preferred && List(row, "non_preferred_output") is { } other
            ? Chat(messages, preferred, other, where, tokenizer)
            : throw LightningException.Invalid($"{where}: a row must have the texts 'prompt', 'chosen' and 'rejected', or 'input' with 'messages', 'preferred_output' and 'non_preferred_output'.");

        int[] Answer(string text) => [.. tokenizer.Encode(text, addSpecialTokens: false), .. tokenizer.EosIds.Take(1)];
    }

    private static PreferencePair Chat(object?[] messages, object?[] preferred, object?[] other, string where, Tokenizer tokenizer)
    {
        var prompt = tokenizer.RenderChat(messages);
        return new PreferencePair(tokenizer.Encode(prompt, addSpecialTokens: false), Answer(preferred), Answer(other));

        int[] Answer(object?[] answer)
        {
            var whole = tokenizer.RenderChat([.. messages, .. answer], addGenerationPrompt: false);
            return whole.StartsWith(prompt, StringComparison.Ordinal)
                ? tokenizer.Encode(whole[prompt.Length..], addSpecialTokens: false)
                : throw LightningException.Invalid($"{where}: with an answer the chat template does not only add to the text before it. Give 'prompt', 'chosen' and 'rejected' instead.");
        }
    }

    private static string? Text(JsonElement row, string name) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static object?[]? List(JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0 ? [.. value.EnumerateArray().Select(message => (object?)message)] : null;
}
