using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace AgentLightning.Benchmarks;

/// <summary>Answers at once, after a call of a tool.</summary>
internal class Answers : IChatClient
{
    public virtual Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        Task.FromResult(
            new ChatResponse([
                new(
                    ChatRole.Assistant,
                    [new FunctionCallContent("call-1", "find_order", new Dictionary<string, object?> { ["number"] = 42 })]
                ),
                new(ChatRole.Tool, [new FunctionResultContent("call-1", "order 42: on its way, expected tomorrow before noon")]),
                new(ChatRole.Assistant, "Your order 42 is on its way and should be with you tomorrow before noon."),
            ])
            {
                ModelId = "model",
                Usage = new UsageDetails
                {
                    InputTokenCount = 40,
                    OutputTokenCount = 20,
                    TotalTokenCount = 60,
                },
            }
        );

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException("The benchmark asks for answers in one piece.");

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() { }
}

/// <summary>The same, recorded as GenAI instrumentation does: a span for the call and one for the tool, with messages as JSON.</summary>
internal sealed class TracedAnswers : Answers
{
    public static readonly ActivitySource Source = new("bench.genai");

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        using var span = Source.StartActivity("chat model", ActivityKind.Client)!;
        span.SetTag("gen_ai.operation.name", "chat")
            .SetTag("gen_ai.request.model", "model")
            .SetTag("gen_ai.input.messages", Write(messages));
        var response = await base.GetResponseAsync(messages, options, cancellationToken);
        using (var tool = Source.StartActivity("execute_tool find_order")!)
        {
            tool.SetTag("gen_ai.operation.name", "execute_tool")
                .SetTag("gen_ai.tool.name", "find_order")
                .SetTag("gen_ai.tool.call.id", "call-1")
                .SetTag("gen_ai.tool.call.arguments", """{"number":42}""")
                .SetTag("gen_ai.tool.call.result", "order 42: on its way, expected tomorrow before noon");
        }

        span.SetTag("gen_ai.response.model", response.ModelId)
            .SetTag("gen_ai.usage.input_tokens", response.Usage!.InputTokenCount)
            .SetTag("gen_ai.usage.output_tokens", response.Usage.OutputTokenCount)
            .SetTag("gen_ai.output.messages", Write(response.Messages));
        return response;
    }

    private static string Write(IEnumerable<ChatMessage> messages) =>
        JsonSerializer.Serialize(
            messages.Select(message => new
            {
                role = message.Role.Value,
                parts = message.Contents.Select(content =>
                    content switch
                    {
                        FunctionCallContent call => (object)
                            new
                            {
                                type = "tool_call",
                                id = call.CallId,
                                name = call.Name,
                                arguments = call.Arguments,
                            },
                        FunctionResultContent result => new
                        {
                            type = "tool_call_response",
                            id = result.CallId,
                            response = result.Result,
                        },
                        _ => new { type = "text", content = (content as TextContent)?.Text },
                    }
                ),
            })
        );
}
