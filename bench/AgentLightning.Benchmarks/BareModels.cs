using System.Net;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Benchmarks;

/// <summary>A model server that answers at once, and a pass-through that does nothing else.</summary>
internal static class BareModels
{
    private static readonly byte[] s_answer =
    [
        .. """{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion","created":1790000000,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"""u8,
        .. "\""u8,
        .. System.Text.Encoding.UTF8.GetBytes(
            string.Join(' ', Enumerable.Repeat("Your order is on its way to you and arrives tomorrow.", 14))
        ),
        .. "\""u8,
        .. ""","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":119,"completion_tokens":154,"total_tokens":273},"service_tier":"default"}"""u8,
    ];

    private static readonly byte[] s_event =
    [
        .. "data: "u8,
        .. """{"id":"chatcmpl-B9MB","object":"chat.completion.chunk","created":1790000000,"model":"bench","choices":[{"index":0,"delta":{"content":" way"},"logprobs":null,"finish_reason":null}]}"""u8,
        .. "\n\n"u8,
    ];

    private static readonly byte[] s_end =
    [
        .. "data: "u8,
        .. """{"id":"chatcmpl-B9MB","object":"chat.completion.chunk","created":1790000000,"model":"bench","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"""u8,
        .. "\n\ndata: [DONE]\n\n"u8,
    ];

    /// <summary>Answers with a kilobyte, or as a stream of ten events.</summary>
    public static async Task AnswerAsync(HttpContext context)
    {
        var body = new byte[4096];
        var (length, count) = (0, 0);
        while ((count = await context.Request.Body.ReadAsync(body.AsMemory(length))) > 0)
        {
            length += count;
        }

        if (body.AsSpan(0, length).IndexOf("\"stream\":true"u8) < 0)
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = s_answer.Length;
            await context.Response.Body.WriteAsync(s_answer);
            return;
        }

        context.Response.ContentType = "text/event-stream";
        for (var i = 0; i < 10; i++)
        {
            await context.Response.Body.WriteAsync(s_event);
            await context.Response.Body.FlushAsync();
        }

        await context.Response.Body.WriteAsync(s_end);
    }

    /// <summary>Passes each call on, and the answer back as it comes.</summary>
    public static RequestDelegate PassOnTo(Uri upstream)
    {
        var http = new HttpMessageInvoker(
            new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.None,
                ActivityHeadersPropagator = null,
            }
        );
        return async context =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(upstream, context.Request.Path.Value))
            {
                Content = new StreamContent(context.Request.Body) { Headers = { { "content-type", "application/json" } } },
            };
            request.Content.Headers.ContentLength = context.Request.ContentLength;
            using var response = await http.SendAsync(request, context.RequestAborted);
            context.Response.StatusCode = (int)response.StatusCode;
            context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
            context.Response.ContentLength = response.Content.Headers.ContentLength;
            await using var body = await response.Content.ReadAsStreamAsync(context.RequestAborted);
            var buffer = new byte[16_384];
            int count;
            while ((count = await body.ReadAsync(buffer, context.RequestAborted)) > 0)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, count), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        };
    }
}
