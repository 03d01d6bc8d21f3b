using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Cli.Input;

/// <summary>Prompts and answers of rows as the tokens that are learned: with what ends an answer.</summary>
internal static class AnswerTokens
{
    /// <summary>What the rows of a file of JSON lines are; blank lines are left out.</summary>
    /// <param name="members">What a row holds, for who names no file.</param>
    /// <param name="read">Reads a row; the text says where it stands.</param>
    public static IReadOnlyList<T> Rows<T>(string path, string members, Func<JsonElement, string, T> read)
    {
        if (!File.Exists(path))
        {
            throw LightningException.Invalid($"There is no file '{path}'. --data and --held-out take JSON lines with {members}.");
        }

        return
        [
            .. TextFile
                .ReadLines(path)
                .Index()
                .Where(row => !string.IsNullOrWhiteSpace(row.Item))
                .Select(row => (row.Item, Where: $"{path}, line {row.Index + 1}"))
                .Select(row => read(Parse(row.Item, row.Where), row.Where)),
        ];
    }

    /// <summary>A row of JSON lines.</summary>
    public static JsonElement Parse(string line, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw LightningException.Invalid($"{where}: not JSON: {e.Message}");
        }
    }

    /// <summary>A list of messages, or null where it is none or empty.</summary>
    public static object?[]? Messages(JsonElement list) =>
        list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0
            ? [.. list.EnumerateArray().Select(message => (object?)message)]
            : null;

    /// <summary>The text and the token that ends texts.</summary>
    public static int[] OfText(string answer, Tokenizer tokenizer) =>
        [.. tokenizer.Encode(answer, addSpecialTokens: false), .. tokenizer.EosIds.Take(1)];

    /// <summary>The prompt of messages, and what makes tokens of the messages that answer them.</summary>
    public static (int[] Prompt, Func<object?[], int[]> AnswerOf) Chat(object?[] messages, string where, Tokenizer tokenizer)
    {
        var prompt = tokenizer.RenderChat(messages);
        return (tokenizer.Encode(prompt, addSpecialTokens: false), Answer);

        int[] Answer(object?[] answer)
        {
            var whole = tokenizer.RenderChat([.. messages, .. answer], addGenerationPrompt: false);
            return whole.StartsWith(prompt, StringComparison.Ordinal)
                ? tokenizer.Encode(whole[prompt.Length..], addSpecialTokens: false)
                : throw LightningException.Invalid(
                    $"{where}: with an answer the chat template does not only add to the text before it. Give texts instead of messages."
                );
        }
    }
}
