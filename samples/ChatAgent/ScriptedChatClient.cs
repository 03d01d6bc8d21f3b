using Microsoft.Extensions.AI;

namespace ChatAgent;

/// <summary>
/// Stands for a model, so that the sample runs anywhere: looks up the order that a question names, or asks for its number.
/// </summary>
internal sealed class ScriptedChatClient : IChatClient
{
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var last = messages.Last();
        var number = string.Concat(last.Text.SkipWhile(c => !char.IsAsciiDigit(c)).TakeWhile(char.IsAsciiDigit));
        IList<AIContent> contents =
            last.Role == ChatRole.Tool ? [new TextContent($"Your {last.Contents.OfType<FunctionResultContent>().First().Result}.")]
            : number.Length > 0 ? [new FunctionCallContent("call-1", "find_order", new Dictionary<string, object?> { ["number"] = number })]
            : [new TextContent("Which order do you mean?")];
        return Task.FromResult(
            new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
            {
                ModelId = "scripted",
                Usage = new UsageDetails
                {
                    InputTokenCount = 10,
                    OutputTokenCount = 5,
                    TotalTokenCount = 15,
                },
            }
        );
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException("The script answers in one piece.");

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, "scripted")
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() { }
}
