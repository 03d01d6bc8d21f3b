using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AgentLightning.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests.Support;

/// <summary>The real server on a free port of this machine, and a client that speaks HTTP to it.</summary>
public sealed partial class ServerUnderTest : IAsyncDisposable
{
    private ServerUnderTest(WebApplication app)
    {
        App = app;
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = TimeSpan.FromMinutes(2) };
    }

    public WebApplication App { get; }

    public HttpClient Http { get; }

    public static Task<ServerUnderTest> StartAsync(string store) => StartAsync(store, options => options);

    /// <summary>Starts it with other options, and with services of the test's in place of the product's.</summary>
    public static async Task<ServerUnderTest> StartAsync(
        string store,
        Func<LightningServerOptions, LightningServerOptions> change,
        Action<IServiceCollection>? configure = null
    )
    {
        var options = change(
            new LightningServerOptions
            {
                Urls = "http://127.0.0.1:0",
                Lightning = new LightningOptions { Store = store },
            }
        );
        var app = await LightningServer.BuildAsync(options, configure ?? (_ => { }), CancellationToken.None);
        await app.StartAsync();
        return new ServerUnderTest(app);
    }

    /// <summary>Makes a key and a client that sends it.</summary>
    public async Task<HttpClient> ClientAsync(Role role, params string[] agents) => ClientOf((await KeyAsync(role, agents)).Text);

    public HttpClient ClientOf(string key)
    {
        var client = new HttpClient { BaseAddress = Http.BaseAddress, Timeout = Http.Timeout };
        client.DefaultRequestHeaders.Add("Authorization", $"Bearer {key}");
        return client;
    }

    /// <summary>Makes a key; for all agents when none is named.</summary>
    public Task<NewApiKey> KeyAsync(Role role, params string[] agents) =>
        App
            .Services.GetRequiredService<CreateKey>()
            .ExecuteAsync(Scope.Owner("test"), new ApiKeyRequest("test", role, agents.Length == 0 ? null : agents), CancellationToken.None);

    public Task<HttpResponseMessage> PostRawAsync(string path, string body, string mediaType = "application/json") =>
        Http.PostAsync(path, new StringContent(body, Encoding.UTF8, mediaType));

    /// <summary>Posts a body and gives the answer, which must be a success.</summary>
    public async Task<JsonElement> PostAsync(string path, object body)
    {
        using var response = await PostRawAsync(path, JsonSerializer.Serialize(body));
        return await SuccessAsync(response);
    }

    /// <summary>Gets an answer, which must be a success.</summary>
    public async Task<JsonElement> GetAsync(string path)
    {
        using var response = await Http.GetAsync(path);
        return await SuccessAsync(response);
    }

    /// <summary>Posts a body that must be refused with this status; gives the detail of the problem.</summary>
    public async Task<string> RefusedAsync(HttpStatusCode status, string path, object body)
    {
        using var response = await PostRawAsync(path, body as string ?? JsonSerializer.Serialize(body));
        return await ProblemAsync(status, response);
    }

    /// <summary>Checks that a response is a problem, and says nothing of the inside; gives its detail, or "" when it has none.</summary>
    public static async Task<string> ProblemAsync(HttpStatusCode status, HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == response.StatusCode, $"expected {status}, but it was {response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = Parse(text);
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        AssertSaysNothingOfTheInside(text);
        return problem.TryGetProperty("detail", out var detail) ? detail.GetString()! : "";
    }

    /// <summary>No stack trace, no type of an exception, no name of a class: the reader of an error is no author of the server.</summary>
    public static void AssertSaysNothingOfTheInside(string body) => Assert.DoesNotMatch(InsideStory(), body);

    public static bool SaysSomethingOfTheInside(string body) => InsideStory().IsMatch(body);

    /// <summary>Starts the call of another agent's text: the answer to it.</summary>
    public Task<JsonElement> TriageAsync(string comment, string? episodeId = null, string agentId = "triage") =>
        PostAsync(
            "/api/lightning/triage",
            new
            {
                comment,
                episode_id = episodeId,
                agent_id = agentId,
            }
        );

    public Task<JsonElement> RewardAsync(string episodeId, double reward, string? rewardId = null, string? source = null) =>
        PostAsync(
            "/api/lightning/rewards",
            new
            {
                episode_id = episodeId,
                reward,
                reward_id = rewardId,
                source,
            }
        );

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await App.DisposeAsync();
    }

    public static async Task<JsonElement> SuccessAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(
            response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created,
            $"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri} gave {response.StatusCode}: {text}"
        );
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return Parse(text);
    }

    private static JsonElement Parse(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    [GeneratedRegex(@"\bat [A-Z]\w+(\.\w+)+\(|\w+Exception\b|\b(System|Microsoft|AgentLightning)\.[A-Z]|\bSqlite|--->|\w+Body\b|Nullable<")]
    private static partial Regex InsideStory();
}
