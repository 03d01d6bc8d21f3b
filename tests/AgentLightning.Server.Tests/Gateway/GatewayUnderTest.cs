using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Server.Gateway;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests.Gateway;

/// <summary>The real server with a fake upstream behind its gateway.</summary>
public sealed class GatewayUnderTest : IAsyncDisposable
{
    public const string Question = """{"model":"model-a","messages":[{"role":"user","content":"Where is order 42?"}]}""";

    private readonly TemporaryFolder _folder;

    private GatewayUnderTest(TemporaryFolder folder, FakeUpstream upstream, ServerUnderTest server) =>
        (_folder, Upstream, Server) = (folder, upstream, server);

    public FakeUpstream Upstream { get; }

    public ServerUnderTest Server { get; }

    /// <summary>Starts it; the upstream is called main and lists model-a.</summary>
    public static async Task<GatewayUnderTest> StartAsync(
        Func<GatewayOptions, GatewayOptions>? change = null,
        Func<UpstreamOptions, UpstreamOptions>? upstream = null,
        Action<IServiceCollection>? configure = null,
        Func<LightningServerOptions, LightningServerOptions>? server = null
    )
    {
        var folder = new TemporaryFolder();
        var fake = await FakeUpstream.StartAsync();
        await File.WriteAllTextAsync(folder.File("key"), FakeUpstream.Key + "\n");
        var main = new UpstreamOptions
        {
            Url = fake.Url,
            KeyFile = folder.File("key"),
            Models = ["model-a", "text-*"],
            StreamUsage = false,
        };
        var options = new GatewayOptions
        {
            LongestWait = TimeSpan.FromMilliseconds(50),
            Upstreams = new Dictionary<string, UpstreamOptions> { ["main"] = upstream?.Invoke(main) ?? main },
            // The only upstream would take every model.
            DefaultUpstream = null,
        };
        options = change?.Invoke(options) ?? options;
        return new GatewayUnderTest(
            folder,
            fake,
            await ServerUnderTest.StartAsync(
                folder.File("lightning.db"),
                all => (server?.Invoke(all) ?? all) with { Gateway = options },
                configure
            )
        );
    }

    public string FileOf(string name) => _folder.File(name);

    public Task<HttpResponseMessage> AskAsync(
        string body = Question,
        string path = "/v1/chat/completions",
        CancellationToken cancellationToken = default,
        params (string Name, string Value)[] headers
    ) => AskAsync(Server.Http, body, path, cancellationToken, headers);

    public static async Task<HttpResponseMessage> AskAsync(
        HttpClient client,
        string body,
        string path,
        CancellationToken cancellationToken,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Asks for a stream and gives all of it.</summary>
    public async Task<string> StreamAsync(string? body = null)
    {
        using var response = await AskAsync(body ?? Streaming());
        return await response.Content.ReadAsStringAsync();
    }

    public static string Streaming(string more = "") =>
        $$"""{"model":"model-a","stream":true{{more}},"messages":[{"role":"user","content":"Where is order 42?"}]}""";

    /// <summary>The episode of an answer, as it is stored.</summary>
    public Task<JsonElement> EpisodeAsync(HttpResponseMessage response) =>
        EpisodeAsync(response.Headers.GetValues("x-lightning-episode-id").Single());

    public async Task<JsonElement> EpisodeAsync(string id)
    {
        await Server.App.Services.GetRequiredService<EpisodeRecorder>().FlushAsync(TestContext.Current.CancellationToken);
        return await Server.GetAsync($"/api/lightning/episodes/{id}");
    }

    /// <summary>The only episode there is.</summary>
    public async Task<JsonElement> OnlyEpisodeAsync()
    {
        await Server.App.Services.GetRequiredService<EpisodeRecorder>().FlushAsync(TestContext.Current.CancellationToken);
        var listed = (await Server.GetAsync("/api/lightning/episodes")).GetProperty("episodes");
        return await EpisodeAsync(Assert.Single(listed.EnumerateArray()).GetProperty("id").GetString()!);
    }

    /// <summary>Checks that a response is an error in OpenAI's form; gives it.</summary>
    public static async Task<JsonElement> ErrorAsync(int status, HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"expected {status}, but it was {(int)response.StatusCode}: {text}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var error = JsonSerializer.Deserialize<JsonElement>(text).GetProperty("error");
        Assert.NotEqual("", error.GetProperty("message").GetString());
        Assert.True(error.TryGetProperty("type", out _) && error.TryGetProperty("code", out _), text);
        ServerUnderTest.AssertSaysNothingOfTheInside(text);
        return error;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Upstream.DisposeAsync();
        _folder.Dispose();
    }
}
