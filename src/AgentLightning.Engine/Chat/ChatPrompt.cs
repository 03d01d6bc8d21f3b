using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Common;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Tokenizers;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Chat;

/// <summary>Messages as the tokens that a model goes on with.</summary>
/// <param name="template">Instead of that of the tokenizer; or null.</param>
internal sealed class ChatPrompt(Tokenizer tokenizer, string? template)
{
    private static readonly JsonSerializerOptions s_json = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>How calls are written where tools are offered.</summary>
    public ToolForm Form => ToolForm.Of(template ?? tokenizer.ToolTemplate?.Source);

    public int[] Encode(IEnumerable<ChatMessage> messages, string? instructions, ToolChoice? tools) =>
        LanguageModel.Guard(() =>
        {
            var all = instructions is { Length: > 0 }
                ? messages.Prepend(new ChatMessage(ChatRole.System, instructions)).ToList()
                : [.. messages];
            if (all.Count == 0)
            {
                throw LightningException.Invalid("There are no messages to answer. Give at least one.");
            }

            var said = all.Any(message => message.Contents.Any(content => content is FunctionCallContent or FunctionResultContent));
            var inWords = (tools is not null || said) && Form == ToolForm.Line;
            if (inWords && tools is not null)
            {
                // Some templates take one system message only, the first.
                var first = all[0].Role == ChatRole.System ? TextOf(all[0]) + "\n\n" : "";
                all = [new ChatMessage(ChatRole.System, first + tools.Description), .. all.Skip(first.Length > 0 ? 1 : 0)];
            }

            JsonObject[] values = [.. all.SelectMany(message => Values(message, inWords))];
            var lead = tools?.Required.Count > 0 ? Form.Lead : "";
            if (template is null && tokenizer.ChatTemplate is null)
            {
                return tokenizer.Encode(string.Concat(values.Select(value => $"{value["role"]}: {value["content"]}\n")) + "assistant:");
            }

            var offered = inWords ? null : tools?.Schemas;
            var prompt = template is null
                ? tokenizer.RenderChat(values, offered)
                : ChatTemplate.Parse(template).Render(values, offered, addGenerationPrompt: true, extra: tokenizer.TemplateTokens);
            return tokenizer.Encode(prompt + lead, addSpecialTokens: false);
        });

    /// <summary>A message as templates take it; results of functions are one each.</summary>
    private static IEnumerable<JsonObject> Values(ChatMessage message, bool inWords)
    {
        FunctionCallContent[] calls = [.. message.Contents.OfType<FunctionCallContent>()];
        FunctionResultContent[] results = [.. message.Contents.OfType<FunctionResultContent>()];
        var text = TextOf(message);
        foreach (var result in results)
        {
            yield return inWords
                ? Value(ChatRole.User, $"Result of the function: {TextOf(result)}")
                : Value(ChatRole.Tool, TextOf(result), ("tool_call_id", result.CallId));
        }

        if (inWords)
        {
            text = string.Join(
                '\n',
                calls
                    .Select(call => $"TOOL_CALL: {call.Name}({ArgumentsOf(call).ToJsonString()})")
                    .Prepend(text)
                    .Where(part => part.Length > 0)
            );
        }
        else if (calls.Length > 0)
        {
            yield return Value(
                message.Role,
                text,
                (
                    "tool_calls",
                    new JsonArray([
                        .. calls.Select(call => new JsonObject
                        {
                            ["type"] = "function",
                            ["id"] = call.CallId,
                            ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = ArgumentsOf(call) },
                        }),
                    ])
                )
            );
            yield break;
        }

        if (results.Length == 0 || text.Length > 0)
        {
            yield return Value(message.Role, text);
        }
    }

    private static JsonObject Value(ChatRole role, string content, params ReadOnlySpan<(string Name, JsonNode? Value)> more)
    {
        var value = new JsonObject { ["role"] = role.Value, ["content"] = content };
        foreach (var (name, node) in more)
        {
            value[name] = node;
        }

        return value;
    }

    private static JsonObject ArgumentsOf(FunctionCallContent call) =>
        JsonSerializer.SerializeToNode(call.Arguments ?? new Dictionary<string, object?>(), s_json)!.AsObject();

    private static string TextOf(FunctionResultContent result) =>
        result switch
        {
            { Result: string text } => text,
            { Result: JsonElement { ValueKind: JsonValueKind.String } text } => text.GetString()!,
            { Exception: { } error, Result: null } => $"Error: {error.Message}",
            _ => JsonSerializer.Serialize(result.Result, s_json),
        };

    private static string TextOf(ChatMessage message) =>
        string.Concat(
            message.Contents.Select(content =>
                content switch
                {
                    TextContent text => text.Text,
                    // What a model thought before an earlier answer is not said again.
                    TextReasoningContent or UsageContent or FunctionCallContent or FunctionResultContent => "",
                    _ => throw LightningException.Invalid(
                        $"A local model reads text only, but a message of '{message.Role}' has a {content.GetType().Name}."
                    ),
                }
            )
        );
}
