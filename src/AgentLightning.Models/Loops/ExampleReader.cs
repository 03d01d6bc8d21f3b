using System.Text.Json;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Loops;

/// <summary>
/// Examples from a file. JSON lines hold <c>{"prompt", "completion"}</c>, of which the completion is learned; <c>{"messages"}</c>, perhaps
/// with <c>"tools"</c>, of which the last is, or every answer; or <c>{"text"}</c>, all of which is; each with <c>"weight"</c> if it counts
/// more or less, and <c>"reward"</c> if one is known. Any other file is one text, cut into windows. Completions and texts end with the
/// token that ends texts.
/// </summary>
/// <param name="maxTokens">Longest example, at least 2. A row that is longer is an error; plain text is cut.</param>
/// <param name="learned">Which of the messages are learned; the last by default.</param>
public sealed class ExampleReader(Tokenizer tokenizer, int maxTokens, LearnedTurns learned = LearnedTurns.Last)
{
    private readonly ConversationReader _conversations = new(tokenizer, learned);

    /// <summary>
    /// Reads a file; what is wrong is an <see cref="InvalidDataException"/> that names it, the line, and what is expected there.
    /// </summary>
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
                examples.AddRange(Row(line, $"{path}, line {number}"));
            }
        }

        return examples;
    }

    /// <summary>The examples of one row of JSON lines; what is wrong with it is an error as that of a file is.</summary>
    /// <param name="where">Of the row, for errors.</param>
    public IReadOnlyList<TokenExample> ReadRow(string line, string where) => [.. Row(line, where)];

    private List<TokenExample> Windows(string text)
    {
        int[] ids = [.. tokenizer.Encode(text), .. tokenizer.EosIds.Take(1)];
        // A window of one token teaches nothing.
        return [.. ids.Chunk(maxTokens).Where(window => window.Length > 1).Select(window => new TokenExample(window, 1))];
    }

    private IEnumerable<TokenExample> Row(string line, string where)
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
            throw new InvalidDataException(
                $"{where}: 'weight' must be a number of 0 or more, but it is {row.GetProperty("weight").GetRawText()}."
            );
        }

        var reward = Number(row, "reward", where);
        foreach (var example in row.TryGetProperty("messages", out _) ? _conversations.Read(row, where) : [Pair(row, where)])
        {
            var targets = Math.Max(example.Targets, 0);
            if (example.Tokens.Length > maxTokens || targets == 0)
            {
                throw new InvalidDataException(
                    $"{where}: the row has {example.Tokens.Length - targets} tokens that are only read and {targets} that are learned; "
                        + $"there must be at least 1 of these with one before it, and at most {maxTokens} in all."
                );
            }

            yield return example with
            {
                Weight = weight ?? 1,
                Reward = reward,
            };
        }
    }

    private TokenExample Pair(JsonElement row, string where)
    {
        if (row.TryGetProperty("text", out var text))
        {
            return ConversationReader.Example([], [.. tokenizer.Encode(Text(text, "text", where)), .. tokenizer.EosIds.Take(1)]);
        }

        return row.TryGetProperty("prompt", out var prompt) && row.TryGetProperty("completion", out var completion)
            ? ConversationReader.Example(
                tokenizer.Encode(Text(prompt, "prompt", where)),
                [.. tokenizer.Encode(Text(completion, "completion", where), addSpecialTokens: false), .. tokenizer.EosIds.Take(1)]
            )
            : throw new InvalidDataException(
                $"{where}: a row must have 'prompt' and 'completion', or 'messages', or 'text', but it has: "
                    + $"{string.Join(", ", row.EnumerateObject().Select(property => property.Name))}."
            );
    }

    private static string Text(JsonElement value, string name, string where) =>
        value.ValueKind == JsonValueKind.String
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
