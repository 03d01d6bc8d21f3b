using System.Text.Json;
using AgentLightning.Common;
using Microsoft.Extensions.AI;
using ChatCompletionOptions = OpenAI.Chat.ChatCompletionOptions;

namespace AgentLightning.Engine.ChatServers;

/// <summary>
/// Messages and options as the library is to say them. What it would leave out without a word is an error, and what servers other than
/// OpenAI call otherwise has their name.
/// </summary>
internal static class ChatServerRequest
{
    private static readonly JsonSerializerOptions s_json = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    public static List<ChatMessage> MessagesOf(IEnumerable<ChatMessage> messages)
    {
        var said = messages.Select(Checked).ToList();
        return said.Count > 0 ? said : throw LightningException.Invalid("There are no messages to answer. Give at least one.");
    }

    /// <param name="server">Decides how the limit of tokens is called: OpenAI and Azure have a newer name, which other servers may not
    /// know.</param>
    public static ChatOptions? OptionsOf(ChatOptions? options, Uri server)
    {
        if (options is null)
        {
            return null;
        }

        foreach (var tool in options.Tools ?? [])
        {
            if (tool is not AIFunctionDeclaration)
            {
                throw LightningException.Invalid(
                    $"The tool '{tool.Name}' is a {tool.GetType().Name}; only functions can be offered over the chat protocol."
                );
            }
        }

        if (options.ResponseFormat is not (null or ChatResponseFormatText or ChatResponseFormatJson))
        {
            throw LightningException.Invalid(
                $"A response format of kind {options.ResponseFormat.GetType().Name} cannot be asked for. Use text, JSON or a JSON schema."
            );
        }

        var asked = options.Clone();
        // It would be sent as the id of an answer that the server keeps.
        asked.ConversationId = null;
        var (most, topK, schema) = (
            IsOpenAi(server) ? null : options.MaxOutputTokens,
            options.TopK,
            options.ResponseFormat as ChatResponseFormatJson
        );
        asked.MaxOutputTokens = most is null ? options.MaxOutputTokens : null;
        var raw = options.RawRepresentationFactory;
        asked.RawRepresentationFactory = client =>
        {
            var request = raw?.Invoke(client) as ChatCompletionOptions ?? new ChatCompletionOptions();
#pragma warning disable SCME0001 // A settled part of the protocol under an attribute that says the library's name for it may change.
            if (most is { } tokens)
            {
                request.Patch.Set("$.max_tokens"u8, tokens);
            }

            if (topK is { } words)
            {
                request.Patch.Set("$.top_k"u8, words);
            }
#pragma warning restore SCME0001
            if (schema?.Schema is { } shape)
            {
                // Strict, which the library asks for only where the schema is one that OpenAI takes.
                request.ResponseFormat ??= OpenAI.Chat.ChatResponseFormat.CreateJsonSchemaFormat(
                    schema.SchemaName ?? "answer",
                    BinaryData.FromString(shape.GetRawText()),
                    schema.SchemaDescription,
                    jsonSchemaIsStrict: true
                );
            }

            return request;
        };
        return asked;
    }

    private static bool IsOpenAi(Uri server) =>
        server.IdnHost.EndsWith(".openai.com", StringComparison.OrdinalIgnoreCase)
        || server.IdnHost.EndsWith(".azure.com", StringComparison.OrdinalIgnoreCase);

    private static ChatMessage Checked(ChatMessage message)
    {
        if (message.Role == ChatRole.User && message.Contents.FirstOrDefault(content => !IsSayable(content)) is { } unknown)
        {
            throw Unknown(message, unknown);
        }

        if (message.Role == ChatRole.Tool)
        {
            return message.Contents.FirstOrDefault(content => content is not FunctionResultContent) is { } other
                ? throw Unknown(message, other)
                : new ChatMessage(message.Role, [.. message.Contents.Cast<FunctionResultContent>().Select(AsText)]);
        }

        return message.Role.Value is "system" or "developer" or "user" or "assistant"
            ? message
            : throw LightningException.Invalid($"A message has the role '{message.Role}', but it must be system, user, assistant or tool.");
    }

    private static bool IsSayable(AIContent content) =>
        content switch
        {
            TextContent => true,
            DataContent data => data.HasTopLevelMediaType("image"),
            UriContent uri => uri.HasTopLevelMediaType("image"),
            _ => false,
        };

    private static AIContent AsText(FunctionResultContent result) =>
        new FunctionResultContent(
            result.CallId,
            result switch
            {
                { Result: string text } => text,
                { Result: JsonElement { ValueKind: JsonValueKind.String } text } => text.GetString()!,
                { Exception: { } error, Result: null } => $"Error: {error.Message}",
                _ => JsonSerializer.Serialize(result.Result, s_json),
            }
        );

    private static LightningException Unknown(ChatMessage message, AIContent content) =>
        LightningException.Invalid(
            $"A message of '{message.Role}' has a {content.GetType().Name}, which cannot be said over the chat protocol."
        );
}
