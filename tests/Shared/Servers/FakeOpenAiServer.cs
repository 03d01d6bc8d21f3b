using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Testing;

/// <summary>A request as it came over the wire.</summary>
/// <param name="Body">Undefined where there was none.</param>
public sealed record FakeOpenAiRequest(string Path, string? Authorization, JsonElement Body)
{
    public bool Stream => Body.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;

    public string Model => Body.GetProperty("model").GetString()!;

    /// <summary>The content of the last message that a user said.</summary>
    public string? LastUserText =>
        !Body.TryGetProperty("messages", out var messages)
            ? null
            : messages
                .EnumerateArray()
                .Where(message => message.GetProperty("role").GetString() == "user")
                .Select(message => message.GetProperty("content"))
                .Select(content =>
                    content.ValueKind == JsonValueKind.String
                        ? content.GetString()
                        : string.Concat(
                            content.EnumerateArray().Select(part => part.TryGetProperty("text", out var text) ? text.GetString() : "")
                        )
                )
                .LastOrDefault();
}

/// <summary>What a <see cref="FakeOpenAiServer"/> answers, and how it misbehaves.</summary>
public sealed record FakeOpenAiAnswer
{
    /// <summary>The text in the pieces in which it is streamed.</summary>
    public IReadOnlyList<string> Pieces { get; init; } = ["Hello world", ", I am", " a fake", " server"];

    /// <summary>Calls of tools: id, name, arguments as JSON. Streamed in two halves each.</summary>
    public IReadOnlyList<(string Id, string Name, string Arguments)> ToolCalls { get; init; } = [];

    public string? FinishReason { get; init; }

    public int InputTokens { get; init; } = 7;

    public int OutputTokens { get; init; } = 4;

    public bool WithUsage { get; init; } = true;

    /// <summary>Another status than 200 sends <see cref="Body"/> and nothing else.</summary>
    public int Status { get; init; } = 200;

    /// <summary>Sent as it is instead of an answer; null for an answer, or for an error in the usual form.</summary>
    public string? Body { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Awaited before each event of a stream, from 0, or before an answer in one piece: a delay that the test ends.</summary>
    public Func<int, HttpContext, Task> Before { get; init; } = (_, _) => Task.CompletedTask;

    /// <summary>The stream ends after so many events, without its end; null for a whole one.</summary>
    public int? EndAfter { get; init; }

    public static FakeOpenAiAnswer Of(params string[] pieces) => new() { Pieces = pieces };

    public static FakeOpenAiAnswer Error(int status, string message, params (string Name, string Value)[] headers) =>
        new()
        {
            Status = status,
            Body = JsonSerializer.Serialize(
                new
                {
                    error = new
                    {
                        message,
                        type = "fake_error",
                        code = (string?)null,
                    },
                }
            ),
            Headers = headers.ToDictionary(header => header.Name, header => header.Value),
        };
}

/// <summary>
/// A server with the routes of OpenAI that answers what the test says: chat and plain completions, responses, models, and vLLM's tokenize;
/// whole or streamed.
/// </summary>
public sealed class FakeOpenAiServer : IAsyncDisposable
{
    private LoopbackServer _server = null!;

    public ConcurrentQueue<FakeOpenAiRequest> Requests { get; } = new();

    /// <summary>What is answered to the nth request, from 1.</summary>
    public Func<FakeOpenAiRequest, int, FakeOpenAiAnswer> Answer { get; set; } = (_, _) => new FakeOpenAiAnswer();

    public IReadOnlyList<string> Models { get; set; } = ["test-model"];

    /// <summary>As a client takes it, with <c>/v1</c>.</summary>
    public Uri BaseUrl => new(_server.Url, "/v1");

    public static async Task<FakeOpenAiServer> StartAsync()
    {
        var fake = new FakeOpenAiServer();
        fake._server = await LoopbackServer.StartAsync(fake.ServeAsync);
        return fake;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        var text = await new StreamReader(context.Request.Body).ReadToEndAsync();
        var request = new FakeOpenAiRequest(
            context.Request.Path,
            context.Request.Headers.Authorization,
            text.Length == 0 ? default : JsonDocument.Parse(text).RootElement
        );
        Requests.Enqueue(request);
        var answer = Answer(request, Requests.Count);
        foreach (var (name, value) in answer.Headers)
        {
            context.Response.Headers[name] = value;
        }

        if (answer.Status != 200 || answer.Body is not null)
        {
            await answer.Before(0, context);
            context.Response.StatusCode = answer.Status;
            await context.Response.WriteAsync(answer.Body ?? "");
            return;
        }

        var words = new FakeOpenAiWords(request, answer, Requests.Count);
        switch (request.Path)
        {
            case "/v1/models":
                await SendAsync(
                    context,
                    answer,
                    new
                    {
                        @object = "list",
                        data = Models.Select(model => new
                        {
                            id = model,
                            @object = "model",
                            created = 1_700_000_000,
                            owned_by = "fake",
                        }),
                    }
                );
                break;
            case "/v1/tokenize" or "/tokenize":
                var prompt = request.Body.TryGetProperty("prompt", out var given) ? given.GetString()! : request.LastUserText ?? "";
                await SendAsync(
                    context,
                    answer,
                    new
                    {
                        count = prompt.Length,
                        max_model_len = 4096,
                        tokens = prompt.Select(letter => (int)letter),
                    }
                );
                break;
            case "/v1/chat/completions" or "/v1/completions" or "/v1/responses" when request.Stream:
                await StreamAsync(context, answer, words.Events());
                break;
            case "/v1/chat/completions" or "/v1/completions" or "/v1/responses":
                await SendAsync(context, answer, words.Whole());
                break;
            default:
                context.Response.StatusCode = 404;
                break;
        }
    }

    private static async Task SendAsync(HttpContext context, FakeOpenAiAnswer answer, object body)
    {
        await answer.Before(0, context);
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(body));
    }

    private static async Task StreamAsync(HttpContext context, FakeOpenAiAnswer answer, IEnumerable<string> events)
    {
        context.Response.ContentType = "text/event-stream";
        var number = 0;
        foreach (var one in events.Take(answer.EndAfter ?? int.MaxValue))
        {
            await answer.Before(number++, context);
            await context.Response.WriteAsync(one);
            await context.Response.Body.FlushAsync();
        }
    }
}
