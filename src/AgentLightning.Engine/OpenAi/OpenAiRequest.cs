using System.Text.Json;
using AgentLightning.Common;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using ChatResponseFormat = Microsoft.Extensions.AI.ChatResponseFormat;
using Said = OpenAI.Chat.ChatMessage;

namespace AgentLightning.Engine.OpenAi;

/// <summary>Messages and options in the words of the OpenAI library. What cannot be said there is an error and not left out.</summary>
internal static class OpenAiRequest
{
    private static readonly JsonSerializerOptions s_json = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };
    private static readonly BinaryData s_noParameters = BinaryData.FromString("""{"type":"object","properties":{}}""");

    public static List<Said> MessagesOf(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var said = messages.SelectMany(Write).ToList();
        if (options?.Instructions is { Length: > 0 } instructions)
        {
            said.Insert(0, new SystemChatMessage(instructions));
        }

        return said.Count > 0 ? said : throw LightningException.Invalid("There are no messages to answer. Give at least one.");
    }

    /// <param name="server">Decides how the limit of tokens is called: OpenAI and Azure have a newer name, which other servers may not
    /// know.</param>
    public static ChatCompletionOptions OptionsOf(ChatOptions? options, Uri server)
    {
        var request = new ChatCompletionOptions();
        if (options is null)
        {
            return request;
        }

        (request.Temperature, request.TopP, request.FrequencyPenalty, request.PresencePenalty) = (
            options.Temperature,
            options.TopP,
            options.FrequencyPenalty,
            options.PresencePenalty
        );
#pragma warning disable OPENAI001, SCME0001 // Settled parts of the protocol under attributes that say the library's names for them may change.
        request.Seed = options.Seed;
        if (options.MaxOutputTokens is { } most)
        {
            if (
                server.IdnHost.EndsWith(".openai.com", StringComparison.OrdinalIgnoreCase)
                || server.IdnHost.EndsWith(".azure.com", StringComparison.OrdinalIgnoreCase)
            )
            {
                request.MaxOutputTokenCount = most;
            }
            else
            {
                request.Patch.Set("$.max_tokens"u8, most);
            }
        }

        if (options.TopK is { } topK)
        {
            request.Patch.Set("$.top_k"u8, topK);
        }

        request.ReasoningEffortLevel = options.Reasoning?.Effort switch
        {
            null => (ChatReasoningEffortLevel?)null,
            ReasoningEffort.ExtraHigh => new ChatReasoningEffortLevel("xhigh"),
            var effort => new ChatReasoningEffortLevel(effort.ToString()!.ToLowerInvariant()),
        };
#pragma warning restore OPENAI001, SCME0001
        foreach (var stop in options.StopSequences ?? [])
        {
            request.StopSequences.Add(stop);
        }

        request.ResponseFormat = options.ResponseFormat switch
        {
            null or ChatResponseFormatText => null,
            ChatResponseFormatJson { Schema: { } schema } json => OpenAI.Chat.ChatResponseFormat.CreateJsonSchemaFormat(
                json.SchemaName ?? "answer",
                BinaryData.FromString(schema.GetRawText()),
                json.SchemaDescription,
                jsonSchemaIsStrict: true
            ),
            ChatResponseFormatJson => OpenAI.Chat.ChatResponseFormat.CreateJsonObjectFormat(),
            var other => throw LightningException.Invalid(
                $"A response format of kind {other.GetType().Name} cannot be asked for. Use text, JSON or a JSON schema."
            ),
        };
        AddTools(request, options);
        return request;
    }

    private static void AddTools(ChatCompletionOptions request, ChatOptions options)
    {
        foreach (var tool in options.Tools ?? [])
        {
            request.Tools.Add(
                tool is AIFunctionDeclaration function
                    ? ChatTool.CreateFunctionTool(
                        function.Name,
                        function.Description,
                        function.JsonSchema.ValueKind == JsonValueKind.Object
                            ? BinaryData.FromString(function.JsonSchema.GetRawText())
                            : s_noParameters
                    )
                    : throw LightningException.Invalid(
                        $"The tool '{tool.Name}' is a {tool.GetType().Name}; only functions can be offered over the chat protocol."
                    )
            );
        }

        if (request.Tools.Count > 0)
        {
            request.AllowParallelToolCalls = options.AllowMultipleToolCalls;
            request.ToolChoice = options.ToolMode switch
            {
                NoneChatToolMode => ChatToolChoice.CreateNoneChoice(),
                RequiredChatToolMode { RequiredFunctionName: { } name } => ChatToolChoice.CreateFunctionChoice(name),
                RequiredChatToolMode => ChatToolChoice.CreateRequiredChoice(),
                AutoChatToolMode => ChatToolChoice.CreateAutoChoice(),
                _ => null,
            };
        }
    }

    private static IEnumerable<Said> Write(ChatMessage message)
    {
        if (message.Role == ChatRole.Tool)
        {
            foreach (var content in message.Contents)
            {
                yield return content is FunctionResultContent result
                    ? new ToolChatMessage(result.CallId, TextOf(result))
                    : throw Unknown(message, content);
            }

            yield break;
        }

        if (message.Role == ChatRole.System || message.Role.Value == "developer")
        {
            yield return new SystemChatMessage(message.Text);
        }
        else if (message.Role == ChatRole.User)
        {
            yield return new UserChatMessage(message.Contents.Select(content => PartOf(message, content)));
        }
        else if (message.Role == ChatRole.Assistant)
        {
            var calls = message
                .Contents.OfType<FunctionCallContent>()
                .Select(call =>
                    ChatToolCall.CreateFunctionToolCall(
                        call.CallId,
                        call.Name,
                        BinaryData.FromString(JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), s_json))
                    )
                )
                .ToList();
            var said = calls.Count > 0 ? new AssistantChatMessage(calls) : new AssistantChatMessage(message.Text);
            if (calls.Count > 0 && message.Text.Length > 0)
            {
                said.Content.Add(ChatMessageContentPart.CreateTextPart(message.Text));
            }

            yield return said;
        }
        else
        {
            throw LightningException.Invalid($"A message has the role '{message.Role}', but it must be system, user, assistant or tool.");
        }
    }

    private static ChatMessageContentPart PartOf(ChatMessage message, AIContent content) =>
        content switch
        {
            TextContent text => ChatMessageContentPart.CreateTextPart(text.Text),
            DataContent data when data.HasTopLevelMediaType("image") => ChatMessageContentPart.CreateImagePart(
                BinaryData.FromBytes(data.Data),
                data.MediaType
            ),
            UriContent uri when uri.HasTopLevelMediaType("image") => ChatMessageContentPart.CreateImagePart(uri.Uri),
            _ => throw Unknown(message, content),
        };

    private static string TextOf(FunctionResultContent result) =>
        result switch
        {
            { Result: string text } => text,
            { Exception: { } error, Result: null } => $"Error: {error.Message}",
            _ => JsonSerializer.Serialize(result.Result, s_json),
        };

    private static LightningException Unknown(ChatMessage message, AIContent content) =>
        LightningException.Invalid(
            $"A message of '{message.Role}' has a {content.GetType().Name}, which cannot be said over the chat protocol."
        );
}
