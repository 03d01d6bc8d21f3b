using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace AgentLightning.Engine.OpenAi;

/// <summary>Answers of the OpenAI library as those of the chat abstractions.</summary>
internal static class OpenAiResponse
{
    public static ChatResponse Read(ChatCompletion completion)
    {
        var message = new ChatMessage(
            ChatRole.Assistant,
            [.. completion.Content.Where(part => part.Text is not null).Select(part => new TextContent(part.Text))]
        )
        {
            MessageId = completion.Id,
            RawRepresentation = completion,
        };
        if (completion.Refusal is { Length: > 0 } refusal)
        {
            message.Contents.Add(new ErrorContent(refusal) { ErrorCode = "refusal" });
        }

        foreach (var call in completion.ToolCalls)
        {
            message.Contents.Add(CallOf(call.Id, call.FunctionName, call.FunctionArguments.ToString()));
        }

        return new ChatResponse(message)
        {
            ResponseId = completion.Id,
            ModelId = completion.Model,
            CreatedAt = completion.CreatedAt,
            FinishReason = ReasonOf(completion.FinishReason),
            Usage = completion.Usage is { } usage ? UsageOf(usage) : null,
            RawRepresentation = completion,
        };
    }

    /// <summary>A call whose arguments are no JSON object, as small models write them, keeps its error for whoever runs the tool.</summary>
    public static FunctionCallContent CallOf(string id, string name, string arguments) =>
        FunctionCallContent.CreateFromParsedArguments(arguments, id, name, text =>
            string.IsNullOrWhiteSpace(text)
                ? null
                : JsonSerializer.Deserialize<Dictionary<string, object?>>(text, AIJsonUtilities.DefaultOptions)
        );

    public static UsageDetails UsageOf(ChatTokenUsage usage) =>
        new()
        {
            InputTokenCount = usage.InputTokenCount,
            OutputTokenCount = usage.OutputTokenCount,
            TotalTokenCount = usage.TotalTokenCount,
            CachedInputTokenCount = usage.InputTokenDetails?.CachedTokenCount,
            ReasoningTokenCount = usage.OutputTokenDetails?.ReasoningTokenCount,
        };

    public static ChatFinishReason ReasonOf(OpenAI.Chat.ChatFinishReason reason) =>
        reason switch
        {
            OpenAI.Chat.ChatFinishReason.Length => ChatFinishReason.Length,
            OpenAI.Chat.ChatFinishReason.ContentFilter => ChatFinishReason.ContentFilter,
            OpenAI.Chat.ChatFinishReason.ToolCalls or OpenAI.Chat.ChatFinishReason.FunctionCall => ChatFinishReason.ToolCalls,
            _ => ChatFinishReason.Stop,
        };
}
