using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Answers that are good or bad from JSON lines: <c>{"prompt", "completion", "label"}</c>, with texts, or with lists of messages; the label
/// is true or false. Answers end with the token that ends texts, or as the chat template ends them.
/// </summary>
internal static class LabelledRows
{
    public static IReadOnlyList<LabelledAnswer> Read(string path, Tokenizer tokenizer) =>
        AnswerTokens.Rows(path, "prompt, completion and label", (row, where) => Row(row, where, tokenizer));

    private static LabelledAnswer Row(JsonElement row, string where, Tokenizer tokenizer)
    {
        if (
            row.ValueKind != JsonValueKind.Object
            || !row.TryGetProperty("label", out var label)
            || label.ValueKind is not (JsonValueKind.True or JsonValueKind.False)
            || !row.TryGetProperty("prompt", out var prompt)
            || !row.TryGetProperty("completion", out var completion)
        )
        {
            throw Wrong(where);
        }

        if (prompt.ValueKind == JsonValueKind.String && completion.ValueKind == JsonValueKind.String)
        {
            return new LabelledAnswer(
                tokenizer.Encode(prompt.GetString()!),
                AnswerTokens.OfText(completion.GetString()!, tokenizer),
                label.GetBoolean()
            );
        }

        if (AnswerTokens.Messages(prompt) is not { } before || AnswerTokens.Messages(completion) is not { } answer)
        {
            throw Wrong(where);
        }

        var (ids, answerOf) = AnswerTokens.Chat(before, where, tokenizer);
        return new LabelledAnswer(ids, answerOf(answer), label.GetBoolean());
    }

    private static LightningException Wrong(string where) =>
        LightningException.Invalid(
            $"{where}: a row must have 'prompt' and 'completion', both texts or both lists of messages, and 'label', true or false."
        );
}
