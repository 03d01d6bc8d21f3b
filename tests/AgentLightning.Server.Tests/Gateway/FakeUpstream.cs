using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Server.Tests.Gateway;

/// <summary>A call as it reached the upstream.</summary>
public sealed record UpstreamCall(string Path, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

    public bool Streams => Json.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;
}

/// <summary>A model server on this machine that answers, byte for byte, what the test says.</summary>
public sealed class FakeUpstream : IAsyncDisposable
{
    public const string Key = "sk-upstream-0123456789abcdef";

    public const string Plain = """
        {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"model-a-2026","choices":[{"index":0,"message":{"role":"assistant","content":"On its way."},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8},"unknown_field":{"kept":[1,2,{"deep":true}]}}
        """;

    private LoopbackServer _server = null!;

    public ConcurrentQueue<UpstreamCall> Calls { get; } = new();

    /// <summary>Answers the nth call, from 1.</summary>
    public Func<HttpContext, UpstreamCall, int, Task> Answer { get; set; } =
        (context, call, _) => call.Streams ? StreamAsync(context, "On its", " way.") : JsonAsync(context, 200, Plain);

    public string Url => $"{_server.Url.ToString().TrimEnd('/')}/v1";

    public static async Task<FakeUpstream> StartAsync()
    {
        var upstream = new FakeUpstream();
        upstream._server = await LoopbackServer.StartAsync(upstream.ServeAsync);
        return upstream;
    }

    public static Task JsonAsync(HttpContext context, int status, string json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }

    /// <summary>A whole answer as a stream of chat.</summary>
    public static Task StreamAsync(HttpContext context, params string[] pieces) => SendAsync(context, [Stream(pieces)]);

    /// <summary>The bytes of a whole stream of chat.</summary>
    public static string Stream(params string[] pieces)
    {
        var text = new StringBuilder(Chunk("""{"role":"assistant","content":""}"""));
        foreach (var piece in pieces)
        {
            text.Append(Chunk($$"""{"content":{{JsonSerializer.Serialize(piece)}}}"""));
        }

        return text.Append(Chunk("{}", "stop")).Append("data: [DONE]\n\n").ToString();
    }

    public static string Chunk(string delta, string? finish = null, int index = 0, string more = "") =>
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"model-a-2026\",\"choices\":[{\"index\":"
        + $"{index},\"delta\":{delta}{more},\"finish_reason\":{(finish is null ? "null" : $"\"{finish}\"")}}}]}}\n\n";

    /// <summary>Sends parts, each by itself.</summary>
    public static async Task SendAsync(HttpContext context, IEnumerable<string> parts)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "text/event-stream";
        }

        foreach (var part in parts)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(part));
            await context.Response.Body.FlushAsync();
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        var call = new UpstreamCall(
            context.Request.Path.Value!,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body
        );
        Calls.Enqueue(call);
        await Answer(context, call, Calls.Count);
    }
}
