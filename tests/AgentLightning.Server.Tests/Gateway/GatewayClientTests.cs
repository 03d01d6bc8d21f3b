using System.ClientModel;
using System.ClientModel.Primitives;
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Server.Gateway;
using AgentLightning.Testing;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;

namespace AgentLightning.Server.Tests.Gateway;

/// <summary>Clients as others wrote them, of which only the base URL is another. Those from npm are a visible skip without npm.</summary>
public sealed class GatewayClientTests
{
    private static readonly string s_clients = Path.Combine(
        Repository.Root,
        "tests",
        "AgentLightning.Server.Tests",
        "Gateway",
        "NpmClients"
    );

    [Fact]
    public async Task The_official_client_of_dotnet_talks_plain_and_streaming_and_sees_errors()
    {
        await using var gateway = await StartAsync();
        var client = new OpenAIClient(
            new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = new Uri(gateway.Server.Http.BaseAddress!, "/v1"), RetryPolicy = new ClientRetryPolicy(0) }
        );
        var chat = client.GetChatClient("agent:shop");

        var plain = await chat.CompleteChatAsync("Where is order 42?");
        var text = "";
        await foreach (var update in chat.CompleteChatStreamingAsync("Where is order 42?"))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
        }

        Assert.Equal(("On its way.", "On its way."), (plain.Value.Content[0].Text, text));
        Assert.True(plain.GetRawResponse().Headers.TryGetValue("x-lightning-episode-id", out var episode));
        Assert.Equal("shop", (await gateway.EpisodeAsync(episode!)).GetProperty("agent_id").GetString());
        var error = await Assert.ThrowsAsync<ClientResultException>(() => client.GetChatClient("agent:nobody").CompleteChatAsync("Hi"));
        Assert.Equal(404, error.Status);
        Assert.Contains("no base model", error.Message, StringComparison.Ordinal);

        gateway.Upstream.Answer = (context, _, _) =>
            FakeUpstream.JsonAsync(
                context,
                200,
                """{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,1]}],"usage":{"prompt_tokens":1,"total_tokens":1}}"""
            );
        var embedding = await client.GetEmbeddingClient("text-embedding").GenerateEmbeddingAsync("Once", new EmbeddingGenerationOptions());
        Assert.Equal([0.5f, 1f], embedding.Value.ToFloats().ToArray());
    }

    [Fact]
    public async Task The_clients_from_npm_talk_plain_and_streaming_and_see_an_answer_that_breaks_off()
    {
        using var folder = new TemporaryFolder();
        await InstallAsync(folder);
        await using var gateway = await StartAsync();
        var url = new Uri(gateway.Server.Http.BaseAddress!, "/v1/s/from-npm").ToString();

        foreach (var client in new[] { "openai", "ai" })
        {
            foreach (var way in new[] { "plain", "stream" })
            {
                var told = await RunAsync(folder, client, url, way);

                Assert.Equal((client, way, "On its way."), (client, way, told.GetProperty("text").GetString()));
                Assert.Equal(JsonValueKind.Null, told.GetProperty("error").ValueKind);
            }
        }

        var openai = await RunAsync(folder, "openai", url, "plain");
        var episode = await gateway.EpisodeAsync(openai.GetProperty("episode").GetString()!);
        Assert.Equal(
            ("from-npm", openai.GetProperty("id").GetString()),
            (episode.GetProperty("session_id").GetString(), episode.GetProperty("message_id").GetString())
        );
        Assert.Contains("agent:shop", openai.GetProperty("models").EnumerateArray().Select(model => model.GetString()));

        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.SendAsync(context, [FakeUpstream.Chunk("""{"content":"half"}""")]);
        foreach (var client in new[] { "openai", "ai" })
        {
            var broken = await RunAsync(folder, client, url, "stream");
            Assert.Equal("half", broken.GetProperty("text").GetString());
            Assert.Contains("ended in the middle", broken.GetProperty("error").GetString(), StringComparison.Ordinal);
        }
    }

    private static Task<GatewayUnderTest> StartAsync() =>
        GatewayUnderTest.StartAsync(options =>
            options with
            {
                Agents = new Dictionary<string, GatewayAgentOptions> { ["shop"] = new() { BaseModel = "model-a" } },
            }
        );

    /// <summary>Exactly the packages of the lock file, into a folder that goes with the test.</summary>
    private static async Task InstallAsync(TemporaryFolder folder)
    {
        foreach (var file in new[] { "package.json", "package-lock.json", "client.mjs" })
        {
            File.Copy(Path.Combine(s_clients, file), folder.File(file));
        }

        try
        {
            var (code, said) = await StartAsync(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline");
            Assert.SkipUnless(code == 0, $"needs clients from npm, which cannot be installed here: {said}");
        }
        catch (Win32Exception e) when (Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip($"needs Node.js with npm, which is not installed here: {e.Message}");
        }
    }

    private static async Task<JsonElement> RunAsync(TemporaryFolder folder, params string[] arguments)
    {
        var (code, said) = await StartAsync(folder, "node", ["client.mjs", .. arguments]);
        Assert.True(code == 0, said);
        return JsonSerializer.Deserialize<JsonElement>(said.Split('\n')[^1]);
    }

    private static async Task<(int Code, string Said)> StartAsync(TemporaryFolder folder, string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder.Path,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, $"{await error}{await output}".Trim());
    }
}
