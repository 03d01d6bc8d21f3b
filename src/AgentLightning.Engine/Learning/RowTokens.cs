using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Engine.Learning;

/// <summary>
/// Rows of data sets as tokens, as the chat template of the model writes them. Rows that are longer than asked for are left out and
/// counted.
/// </summary>
internal sealed class RowTokens(Tokenizer tokenizer, int maxLength)
{
    /// <summary>Rows that were left out because they are too long.</summary>
    public int TooLong { get; private set; }

    /// <summary>Rows that were left out because nothing can be learned from them.</summary>
    public int Unusable { get; private set; }

    public IReadOnlyList<TokenExample> Examples(IReadOnlyList<ChatRow> rows, LearnedTurns learned)
    {
        var reader = new ExampleReader(tokenizer, int.MaxValue, learned);
        return
        [
            .. rows.SelectMany(
                    (row, i) =>
                        reader.ReadRow(
                            new JsonObject
                            {
                                ["messages"] = new JsonArray([
                                    .. row.Messages.Select(message => (JsonNode)MessageOf(message, asText: true)),
                                ]),
                                ["tools"] = row.Tools is { ValueKind: JsonValueKind.Array } tools
                                    ? JsonNode.Parse(tools.GetRawText())
                                    : null,
                                ["reward"] = row.Reward,
                            }.ToJsonString(),
                            $"row {i + 1}"
                        )
                )
                .Where(example => Fits(example.Tokens.Length)),
        ];
    }

    public IReadOnlyList<PreferencePair> Pairs(IReadOnlyList<PreferenceRow> rows) =>
        [
            .. rows.Select(
                    (row, i) =>
                    {
                        var (prompt, answerOf) = Prompt(row.Messages, i);
                        return new PreferencePair(prompt, answerOf(row.Chosen), answerOf(row.Rejected));
                    }
                )
                .Where(pair => Fits(pair.Prompt.Length + Math.Max(pair.Chosen.Length, pair.Rejected.Length))),
        ];

    /// <summary>Answers by the sign of their rewards; those of 0 say nothing.</summary>
    public IReadOnlyList<LabelledAnswer> Answers(IReadOnlyList<ChatRow> rows) =>
        [
            .. rows.Where(row => Says(row.Reward) && Ends(row))
                .Select(
                    (row, i) =>
                    {
                        var (prompt, answerOf) = Prompt([.. row.Messages.SkipLast(1)], i);
                        return new LabelledAnswer(prompt, answerOf(row.Messages[^1]), row.Reward > 0);
                    }
                )
                .Where(answer => Fits(answer.Prompt.Length + answer.Completion.Length)),
        ];

    /// <inheritdoc cref="Answers(IReadOnlyList{ChatRow})"/>
    public IReadOnlyList<LabelledAnswer> Answers(IReadOnlyList<PromptRow> rows) =>
        [
            .. rows.SelectMany(
                    (row, i) =>
                    {
                        var (prompt, answerOf) = Prompt(row.Messages, i);
                        return row
                            .Answers.Where(answer => Says(answer.Reward))
                            .Select(answer => new LabelledAnswer(
                                prompt,
                                answerOf(new DatasetMessage("assistant", answer.Action)),
                                answer.Reward > 0
                            ));
                    }
                )
                .Where(answer => Fits(answer.Prompt.Length + answer.Completion.Length)),
        ];

    /// <param name="answerTokens">Most tokens of an answer, for which there must be room.</param>
    /// <param name="needsExpected">Leaves out rows without a right answer.</param>
    public IReadOnlyList<RolloutTask> Tasks(IReadOnlyList<PromptRow> rows, int answerTokens, bool needsExpected)
    {
        var tasks = new List<RolloutTask>();
        foreach (var (row, i) in rows.Select((row, i) => (row, i)))
        {
            if (needsExpected && row.Expected is null)
            {
                Unusable++;
                continue;
            }

            var (prompt, _) = Prompt(row.Messages, i);
            if (Fits(prompt.Length + answerTokens))
            {
                // Two rows of one conversation have one key.
                tasks.Add(new RolloutTask($"{i}:{row.Key}", prompt, JsonSerializer.SerializeToElement(new { expected = row.Expected })));
            }
        }

        return tasks;
    }

    private bool Fits(int tokens)
    {
        var fits = tokens <= maxLength;
        TooLong += fits ? 0 : 1;
        return fits;
    }

    private bool Says(double reward)
    {
        Unusable += reward == 0 ? 1 : 0;
        return reward != 0;
    }

    private bool Ends(ChatRow row)
    {
        var ends = row.Messages.Count >= 2 && row.Messages[^1].Role == "assistant";
        Unusable += ends ? 0 : 1;
        return ends;
    }

    /// <summary>The prompt of messages, and what makes tokens of the message that answers them.</summary>
    private (int[] Prompt, Func<DatasetMessage, int[]> AnswerOf) Prompt(IReadOnlyList<DatasetMessage> messages, int index)
    {
        object?[] values = [.. messages.Select(message => MessageOf(message, asText: false))];
        var prompt = tokenizer.RenderChat(values);
        return (tokenizer.Encode(prompt, addSpecialTokens: false), Answer);

        int[] Answer(DatasetMessage answer)
        {
            var whole = tokenizer.RenderChat([.. values, MessageOf(answer, asText: false)], addGenerationPrompt: false);
            return whole.StartsWith(prompt, StringComparison.Ordinal)
                ? tokenizer.Encode(whole[prompt.Length..], addSpecialTokens: false)
                : throw LightningException.Invalid(
                    $"row {index + 1}: with an answer the chat template of the base model does not only add to the text before it, so that "
                        + $"the answer cannot be told apart. Use another chat template (chat_template.jinja in its folder)."
                );
        }
    }

    /// <param name="asText">Whether arguments of calls stay the text that they are in rows; templates want them as they are.</param>
    private static JsonObject MessageOf(DatasetMessage message, bool asText)
    {
        var value = new JsonObject { ["role"] = message.Role, ["content"] = message.Content ?? "" };
        if (message.ToolCallId is not null)
        {
            value["tool_call_id"] = message.ToolCallId;
        }

        if (message.ToolCalls is { Count: > 0 } calls)
        {
            value["tool_calls"] = new JsonArray([
                .. calls.Select(call => new JsonObject
                {
                    ["id"] = call.Id,
                    ["type"] = "function",
                    ["function"] = new JsonObject
                    {
                        ["name"] = call.Name,
                        ["arguments"] = asText ? call.Arguments : Parsed(call.Arguments),
                    },
                }),
            ]);
        }

        return value;
    }

    private static JsonNode? Parsed(string arguments)
    {
        try
        {
            return JsonNode.Parse(arguments);
        }
        catch (JsonException)
        {
            // A call that is no JSON stays as it was written.
            return arguments;
        }
    }
}
