using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;

namespace AgentLightning.Server.Tests.Support;

/// <summary>The real server on a free port of this machine, and a client that speaks HTTP to it.</summary>
public sealed partial class ServerUnderTest : IAsyncDisposable
{
    private ServerUnderTest(WebApplication app)
    {
        App = app;
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeSpan.FromMinutes(2) };
    }

    public WebApplication App { get; }

    public HttpClient Http { get; }

    public static async Task<ServerUnderTest> StartAsync(string store)
    {
        var options = new LightningServerOptions { Urls = "http://127.0.0.1:0", Lightning = new LightningOptions { Store = store } };
        var app = await LightningServer.BuildAsync(options, CancellationToken.None);
        await app.StartAsync();
        return new ServerUnderTest(app);
    }

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

    /// <summary>Starts the call of another agent's text: the answer to it.</summary>
    public Task<JsonElement> TriageAsync(string comment, string? episodeId = null, string agentId = "triage") =>
        PostAsync("/api/lightning/triage", new { comment, episode_id = episodeId, agent_id = agentId });

    public Task<JsonElement> RewardAsync(string episodeId, double reward, string? rewardId = null, string? source = null) =>
        PostAsync("/api/lightning/rewards", new { episode_id = episodeId, reward, reward_id = rewardId, source });

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await App.DisposeAsync();
    }

    private static async Task<JsonElement> SuccessAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri} gave {response.StatusCode}: {text}");
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
