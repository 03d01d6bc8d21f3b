using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Pairs of answers from JSON lines: <c>{"prompt", "chosen", "rejected"}</c>, texts; or <c>{"input": {"messages"}, "preferred_output",
/// "non_preferred_output"}</c>, lists of messages. Answers end with the token that ends texts, or as the chat template ends them.
/// </summary>
internal static class PreferenceRows
{
    public static IReadOnlyList<PreferencePair> Read(string path, Tokenizer tokenizer) =>
        AnswerTokens.Rows(path, "prompt, chosen and rejected", (row, where) => Row(row, where, tokenizer));

    private static PreferencePair Row(JsonElement row, string where, Tokenizer tokenizer)
    {
        if (Text(row, "prompt") is { } prompt && Text(row, "chosen") is { } chosen && Text(row, "rejected") is { } rejected)
        {
            return new PreferencePair(
                tokenizer.Encode(prompt),
                AnswerTokens.OfText(chosen, tokenizer),
                AnswerTokens.OfText(rejected, tokenizer)
            );
        }

        if (
            row.ValueKind != JsonValueKind.Object
            || !row.TryGetProperty("input", out var input)
            || List(input, "messages") is not { } messages
            || List(row, "preferred_output") is not { } preferred
            || List(row, "non_preferred_output") is not { } other
        )
        {
            throw LightningException.Invalid(
                $"{where}: a row must have the texts 'prompt', 'chosen' and 'rejected', or 'input' with 'messages', 'preferred_output' "
                    + $"and 'non_preferred_output'."
            );
        }

        var (ids, answerOf) = AnswerTokens.Chat(messages, where, tokenizer);
        return new PreferencePair(ids, answerOf(preferred), answerOf(other));
    }

    private static string? Text(JsonElement row, string name) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static object?[]? List(JsonElement row, string name) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out var value) ? AnswerTokens.Messages(value) : null;
}
