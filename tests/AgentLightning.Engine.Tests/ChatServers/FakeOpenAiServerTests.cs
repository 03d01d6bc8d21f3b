using System.ClientModel;
using System.Net.Http.Json;
using System.Text.Json;
using AgentLightning.Testing;
using OpenAI;
using OpenAI.Models;

namespace AgentLightning.Engine.Tests;

/// <summary>The server of the tests speaks as real ones do: its routes beside chat, which the tests of the client cover.</summary>
public sealed class FakeOpenAiServerTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private FakeOpenAiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await FakeOpenAiServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Models_are_listed_as_the_library_reads_them()
    {
        _server.Models = ["one", "two"];
        var client = new OpenAIModelClient(new ApiKeyCredential("key"), new OpenAIClientOptions { Endpoint = _server.BaseUrl });

        Assert.Equal(["one", "two"], (await client.GetModelsAsync()).Value.Select(model => model.Id));
    }

    [Fact]
    public async Task A_text_is_completed_whole_and_streamed()
    {
        var whole = await PostAsync("completions", new { model = "m", prompt = "p" });
        var streamed = Events(
            await TextAsync(
                "completions",
                new
                {
                    model = "m",
                    prompt = "p",
                    stream = true,
                    stream_options = new { include_usage = true },
                }
            )
        );

        Assert.Equal("Hello world, I am a fake server", whole.GetProperty("choices")[0].GetProperty("text").GetString());
        Assert.Equal("[DONE]", streamed[^1]);
        var chunks = streamed[..^1].Select(data => JsonDocument.Parse(data).RootElement).ToList();
        Assert.Equal(
            "Hello world, I am a fake server",
            string.Concat(
                chunks
                    .Where(chunk => chunk.GetProperty("choices").GetArrayLength() > 0)
                    .Select(chunk => chunk.GetProperty("choices")[0].GetProperty("text").GetString())
            )
        );
        Assert.Equal(11, chunks[^1].GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task A_response_comes_whole_and_streamed()
    {
        var whole = await PostAsync("responses", new { model = "m", input = "p" });
        var streamed = Events(
                await TextAsync(
                    "responses",
                    new
                    {
                        model = "m",
                        input = "p",
                        stream = true,
                    }
                )
            )
            .Select(data => JsonDocument.Parse(data).RootElement)
            .ToList();

        Assert.Equal(
            "Hello world, I am a fake server",
            whole.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString()
        );
        Assert.Equal(
            ["response.created", .. Enumerable.Repeat("response.output_text.delta", 4), "response.completed"],
            streamed.Select(one => one.GetProperty("type").GetString())
        );
        Assert.Equal("completed", streamed[^1].GetProperty("response").GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_text_is_counted_in_tokens()
    {
        var counted = await PostAsync("tokenize", new { model = "m", prompt = "abc" });

        Assert.Equal(3, counted.GetProperty("count").GetInt32());
        Assert.Equal([97, 98, 99], counted.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()));
    }

    private async Task<JsonElement> PostAsync(string route, object body) => JsonDocument.Parse(await TextAsync(route, body)).RootElement;

    private async Task<string> TextAsync(string route, object body)
    {
        using var response = await _http.PostAsJsonAsync($"{_server.BaseUrl}/{route}", body);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsStringAsync();
    }

    private static string[] Events(string stream) =>
        [
            .. stream
                .Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
                .SelectMany(one => one.Split('\n'))
                .Where(line => line.StartsWith("data: ", StringComparison.Ordinal))
                .Select(line => line["data: ".Length..]),
        ];
}
