using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>
/// How a model asks for tools and reads what they give, by its chat template: which tools there are in the prompt, what a call looks like,
/// and what stands between a call and the next turn. Without a template results come as
/// <c>&lt;tool_response&gt;…&lt;/tool_response&gt;</c>, and prompts have to name the tools themselves.
/// </summary>
public sealed class ToolConversation
{
    private const string Marker = "what was said before";
    private readonly Tokenizer _tokenizer;
    private readonly string[] _special;

    /// <param name="format">How calls are written; null, the default, is what the template shows.</param>
    /// <exception cref="ArgumentException">The template shows none of the formats.</exception>
    public ToolConversation(Tokenizer tokenizer, ToolCallFormat? format = null)
    {
        _tokenizer = tokenizer;
        _special = [.. tokenizer.AddedTokens.Where(token => token.Special).Select(token => token.Content)];
        Format = format ?? FormatOf(tokenizer.ChatTemplate?.Source);
    }

    /// <summary>How calls are written.</summary>
    public ToolCallFormat Format { get; }

    /// <summary>The prompt of messages, as token ids, with the tools that can be called.</summary>
    /// <exception cref="InvalidOperationException">There is no chat template.</exception>
    public int[] Prompt(IReadOnlyList<object?> messages, IReadOnlyList<ITool> tools) =>
        _tokenizer.Encode(_tokenizer.RenderChat(messages, [.. tools.Select(Schema)]), addSpecialTokens: false);

    /// <summary>The calls in the last turn of an attempt. It is read from the tokens, with those that its text leaves out.</summary>
    internal IReadOnlyList<ToolCall> CallsOf(Attempt attempt) =>
        ToolCallReader.Read(_tokenizer.Decode(attempt.LastTurn.Where(id => !_tokenizer.EosIds.Contains(id)), skipSpecial: false), Format);

    /// <summary>
    /// What the model reads after its calls and before its next turn. What was drawn stays as it is: only what comes after it is made into
    /// tokens.
    /// </summary>
    /// <param name="last">The last token that was drawn; when it ended the turn, its end is not written again.</param>
    internal int[] Observation(IReadOnlyList<(ToolCall Call, string Result)> results, int last)
    {
        var ids = _tokenizer.Encode(TextAfterTurn(results), addSpecialTokens: false);
        return ids.Length > 0 && (ids[0] == last || (_tokenizer.EosIds.Contains(ids[0]) && _tokenizer.EosIds.Contains(last)))
            ? ids[1..]
            : ids;
    }

    /// <summary>A result of at most so many tokens, in which no special token stands: none may end a turn or begin another.</summary>
    internal string Limit(string result, int mostTokens)
    {
        foreach (var special in _special)
        {
            result = result.Replace(special, "", StringComparison.Ordinal);
        }

        var ids = _tokenizer.Encode(result, addSpecialTokens: false);
        return ids.Length <= mostTokens ? result : _tokenizer.Decode(ids.Take(mostTokens)) + "… (cut off)";
    }

    private string TextAfterTurn(IReadOnlyList<(ToolCall Call, string Result)> results)
    {
        if (_tokenizer.ChatTemplate is null)
        {
            return string.Concat(results.Select(result => $"\n<tool_response>\n{result.Result}\n</tool_response>")) + "\n";
        }

        object?[] messages =
        [
            ChatTemplate.Message("user", "?"),
            ChatTemplate.Message("assistant", Marker),
            .. results.Select(
                (result, i) =>
                    new Dictionary<string, object?>
                    {
                        ["role"] = "tool",
                        ["name"] = result.Call.Name,
                        ["content"] = result.Result,
                        ["tool_call_id"] = $"{i:D9}",
                    }
            ),
        ];
        var text = _tokenizer.RenderChat(messages);
        var at = text.IndexOf(Marker, StringComparison.Ordinal);
        return at >= 0
            ? text[(at + Marker.Length)..]
            : throw new ChatTemplateException(0, "it does not write what the assistant said, so that nothing can come after it");
    }

    private static object Schema(ITool tool) =>
        new Dictionary<string, object?>
        {
            ["type"] = "function",
            ["function"] = new Dictionary<string, object?>
            {
                ["name"] = tool.Name,
                ["description"] = tool.Description,
                ["parameters"] = tool.Parameters,
            },
        };

    private static ToolCallFormat FormatOf(string? template) =>
        template is null
            ? ToolCallFormat.Hermes
            : ToolCallFormats.Find(template)
                ?? throw new ArgumentException(
                    "The chat template does not show how tools are called: neither as <tool_call>, nor as [TOOL_CALLS], nor as JSON with "
                        + "parameters. Say which of Hermes, Mistral and Llama it is, or take a model that was made to call tools."
                );
}
