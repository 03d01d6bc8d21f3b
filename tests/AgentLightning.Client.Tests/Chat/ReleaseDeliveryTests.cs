using System.Text.Json;
using AgentLightning.Capture;
using AgentLightning.Client.Delivery;
using AgentLightning.Client.Tests.Support;
using AgentLightning.Deployments;
using AgentLightning.Server;
using AgentLightning.Testing;
using Microsoft.Agents.AI;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace AgentLightning.Client.Tests;

/// <summary>Chat clients and agents answer with the release that serves.</summary>
public sealed class ReleaseDeliveryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Asked _model = new();

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_model_of_the_active_release_is_asked_and_the_episode_counts_for_the_release()
    {
        await using var server = await LightningServer.BuildAsync(
            new LightningServerOptions
            {
                Urls = "http://127.0.0.1:0",
                Lightning = new LightningOptions { Store = _folder.File("lightning.db") },
            },
            CancellationToken.None
        );
        await server.StartAsync();
        var release = await server.Services.GetRequiredService<IDeploymentStore>().ActivateAsync(Release(), null, CancellationToken.None);
        var options = Options(new Uri(server.Urls.Single()));
        string? id;
        await using (var lightning = new LightningClient(options))
        {
            id = (await _model.UseLightning(lightning).GetResponseAsync("hello", Session("s"))).GetEpisodeId();
        }

        using var http = new HttpClient { BaseAddress = options.Endpoint };
        var episode = JsonDocument.Parse(await http.GetStringAsync($"/api/lightning/episodes/{id}")).RootElement;
        Assert.Equal(["tuned-1"], _model.Models);
        Assert.Equal(release.Id, episode.GetProperty("deployment_id").GetString());
    }

    [Fact]
    public async Task A_store_in_the_process_says_it_as_well()
    {
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningEmbedded(new LightningOptions { Store = _folder.File("lightning.db") }, options =>
                (options.AgentId, options.UseTunedModel, options.DataFolder) = ("shop", true, "")
            )
            .BuildServiceProvider();
        var lightning = services.GetRequiredService<LightningClient>();
        Assert.Equal(SelectedRelease.Base, await lightning.SelectReleaseAsync(sessionId: "before"));

        var release = await services.GetRequiredService<IDeploymentStore>().ActivateAsync(Release(), null, CancellationToken.None);

        Assert.Equal(new SelectedRelease(release.Id, "tuned-1", null, null), await lightning.SelectReleaseAsync(sessionId: "after"));
    }

    [Fact]
    public async Task Nothing_is_asked_unless_it_is_wanted()
    {
        await using var server = await ReleasesAsync(() => "tuned-1");
        var options = Quick.Options(server.Url);
        await using var lightning = new LightningClient(options);

        await _model.UseLightning(lightning).GetResponseAsync("hello", new ChatOptions { ModelId = "own" });
        await lightning.FlushAsync();

        Assert.Equal(["own"], _model.Models);
        Assert.DoesNotContain(server.Requests, request => request.Path.EndsWith("/selected", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_nobody_answers_the_base_model_does_and_the_call_succeeds()
    {
        var options = Options(Receiver.Nowhere());
        // Nobody takes the episode either.
        options.FlushTimeout = TimeSpan.Zero;
        await using var lightning = new LightningClient(options);

        await _model.UseLightning(lightning).GetResponseAsync("hello", new ChatOptions { ModelId = "own" });

        Assert.Equal(["own"], _model.Models);
    }

    [Fact]
    public async Task A_session_is_asked_for_once_and_after_a_while_again_beside_its_calls()
    {
        var name = "tuned-1";
        var asked = 0;
        await using var server = await ReleasesAsync(() =>
        {
            Interlocked.Increment(ref asked);
            return name;
        });
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var lightning = new LightningClient(Options(server.Url), time);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("tuned-1", (await lightning.SelectReleaseAsync(sessionId: "s")).TunedModelName);
        }

        Assert.Equal(1, asked);
        name = "tuned-0";
        time.Advance(TimeSpan.FromSeconds(61));

        // This call goes on with what is known, and brings the next one what serves now.
        Assert.Equal("tuned-1", (await lightning.SelectReleaseAsync(sessionId: "s")).TunedModelName);
        while ((await lightning.SelectReleaseAsync(sessionId: "s")).TunedModelName != "tuned-0")
        {
            await Task.Yield();
        }

        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task An_experiments_variant_is_kept_with_the_episode_of_a_stream()
    {
        await using var server = await ReleasesAsync(() => "tuned-2", "candidate");
        await using var lightning = new LightningClient(Options(server.Url));

        await foreach (var _ in _model.UseLightning(lightning).GetStreamingResponseAsync("hello", Session("s"))) { }

        var episode = await EpisodeAsync(lightning, server);
        Assert.Equal(["tuned-2"], _model.Models);
        Assert.Equal("candidate", episode.GetProperty("metadata").GetProperty("variant").GetString());
        Assert.Equal("release-1", episode.GetProperty("deployment_id").GetString());
    }

    [Fact]
    public async Task An_agent_and_the_model_inside_answer_with_one_release()
    {
        await using var server = await ReleasesAsync(() => "tuned-3");
        await using var lightning = new LightningClient(Options(server.Url));
        var agent = new ChatClientAgent(_model.UseLightning(lightning)).UseLightning(lightning);

        await agent.RunAsync("hello", await agent.CreateSessionAsync());

        var episode = await EpisodeAsync(lightning, server);
        Assert.Equal(["tuned-3"], _model.Models);
        Assert.Equal("release-1", episode.GetProperty("deployment_id").GetString());
        Assert.Single(server.Requests, request => request.Path.EndsWith("/selected", StringComparison.Ordinal));
    }

    [Fact]
    public async Task However_many_sessions_come_only_so_many_are_remembered()
    {
        using var selector = new ReleaseSelector(
            new Steady(),
            new LightningClientOptions(),
            TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance
        );

        for (var i = 0; i < 2 * ReleaseSelector.Most; i++)
        {
            await selector.SelectAsync("shop", $"s{i}", CancellationToken.None);
        }

        Assert.InRange(selector.Count, 1, ReleaseSelector.Most);
    }

    private static LightningClientOptions Options(Uri endpoint)
    {
        var options = Quick.Options(endpoint);
        options.UseTunedModel = true;
        return options;
    }

    private static ChatOptions Session(string id) => new() { ConversationId = id };

    private static Deployment Release() =>
        new(
            Guid.CreateVersion7().ToString(),
            "shop",
            Deployment.DefaultSlot,
            0,
            null,
            null,
            "tuned-1",
            null,
            true,
            false,
            null,
            TimeProvider.System.GetUtcNow(),
            "test",
            null,
            null
        );

    private static async Task<Receiver> ReleasesAsync(Func<string> model, string? variant = null)
    {
        var server = await Receiver.StartAsync();
        server.Answer = async (_, context) =>
        {
            if (context.Request.Path.Value!.EndsWith("/selected", StringComparison.Ordinal))
            {
                await context.Response.WriteAsJsonAsync(
                    new Dictionary<string, string?>
                    {
                        ["deployment_id"] = "release-1",
                        ["tuned_model_name"] = model(),
                        ["experiment_id"] = variant is null ? null : "experiment-1",
                        ["variant"] = variant,
                    }
                );
            }

            return 200;
        };
        return server;
    }

    private static async Task<JsonElement> EpisodeAsync(LightningClient lightning, Receiver server)
    {
        await lightning.FlushAsync();
        return Assert.Single(
            server
                .Requests.Where(request => request.Path.EndsWith("/capture", StringComparison.Ordinal))
                .SelectMany(request => request.Lines())
        );
    }

    /// <summary>Writes down which models it was asked for.</summary>
    private sealed class Asked : IChatClient
    {
        public List<string?> Models { get; } = [];

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        )
        {
            Models.Add(options?.ModelId);
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "hi")));
        }

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default
        )
        {
            foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            {
                yield return update;
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }

    private sealed class Steady : IReleaseSource
    {
        public Task<SelectedRelease> SelectAsync(string agentId, string? sessionId, CancellationToken cancellationToken) =>
            Task.FromResult(SelectedRelease.Base);
    }
}
