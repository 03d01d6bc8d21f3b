using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace ChatAgent;

/// <summary>
/// The smallest client for <c>/chat/completions</c> of an OpenAI-compatible server, with the one tool of the sample. Real applications use
/// a library.
/// </summary>
internal sealed class OpenAiChatClient(Uri root) : IChatClient
{
    private static readonly JsonNode s_tools = JsonNode.Parse(
        """
        [{"type":"function","function":{"name":"find_order","description":"State of an order","parameters":{"type":"object","properties":{"number":{"type":"string"}},"required":["number"]}}}]
        """
    )!;

    private readonly HttpClient _http = new();

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{root.AbsoluteUri.TrimEnd('/')}/chat/completions")
        {
            Content = JsonContent.Create(
                new JsonObject
                {
                    ["model"] = Environment.GetEnvironmentVariable("OPENAI_MODEL") ?? "gpt-4o-mini",
                    ["messages"] = new JsonArray([.. messages.SelectMany(Write)]),
                    ["tools"] = s_tools.DeepClone(),
                }
            ),
        };
        if (Environment.GetEnvironmentVariable("OPENAI_API_KEY") is { Length: > 0 } key)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        using var response = await _http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        return Read((await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken))!);
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException("The sample asks for answers in one piece.");

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => _http.Dispose();

    private static IEnumerable<JsonNode> Write(ChatMessage message)
    {
        foreach (var result in message.Contents.OfType<FunctionResultContent>())
        {
            yield return new JsonObject
            {
                ["role"] = "tool",
                ["tool_call_id"] = result.CallId,
                ["content"] = result.Result?.ToString(),
            };
        }

        var calls = message
            .Contents.OfType<FunctionCallContent>()
            .Select(call => new JsonObject
            {
                ["id"] = call.CallId,
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = JsonSerializer.Serialize(call.Arguments) },
            })
            .ToArray<JsonNode>();
        if (message.Role != ChatRole.Tool)
        {
            var said = new JsonObject { ["role"] = message.Role.Value, ["content"] = message.Text };
            if (calls.Length > 0)
            {
                said["tool_calls"] = new JsonArray(calls);
            }

            yield return said;
        }
    }

    private static ChatResponse Read(JsonNode answer)
    {
        var said = answer["choices"]![0]!["message"]!;
        var message = new ChatMessage(ChatRole.Assistant, (string?)said["content"]);
        foreach (var call in said["tool_calls"]?.AsArray() ?? [])
        {
            message.Contents.Add(
                new FunctionCallContent(
                    (string)call!["id"]!,
                    (string)call["function"]!["name"]!,
                    JsonSerializer.Deserialize<Dictionary<string, object?>>((string)call["function"]!["arguments"]!)
                )
            );
        }

        return new ChatResponse(message)
        {
            ModelId = (string?)answer["model"],
            Usage = new UsageDetails
            {
                InputTokenCount = (long?)answer["usage"]?["prompt_tokens"],
                OutputTokenCount = (long?)answer["usage"]?["completion_tokens"],
                TotalTokenCount = (long?)answer["usage"]?["total_tokens"],
            },
        };
    }
}
