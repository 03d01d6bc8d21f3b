using System.Net;
using System.Text;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Episodes;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

public sealed class LimitTests
{
    [Fact]
    public async Task A_body_over_the_limit_is_a_problem_with_413_that_names_it()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"), options =>
            options with
            {
                MaxBodyBytes = 2_000,
            }
        );

        await server.TriageAsync(new string('x', 1_500));
        var detail = await server.RefusedAsync(
            HttpStatusCode.RequestEntityTooLarge,
            "/api/lightning/triage",
            new { comment = new string('x', 3_000) }
        );

        Assert.Contains("2000", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_requests_of_one_client_are_a_problem_with_429_that_says_when_to_come_again()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"), options =>
            options with
            {
                LoopbackRateLimit = 3,
            }
        );
        for (var i = 0; i < 3; i++)
        {
            await server.GetAsync("/api/lightning/stats");
        }

        using var refused = await server.Http.GetAsync("/api/lightning/stats");

        Assert.Contains(
            "Too many requests",
            await ServerUnderTest.ProblemAsync(HttpStatusCode.TooManyRequests, refused),
            StringComparison.Ordinal
        );
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        // Whoever watches the server is not refused for the load that others make.
        await server.GetAsync("/health");
        await server.GetAsync("/health/ready");
    }

    [Fact]
    public async Task Each_key_has_a_rate_of_its_own_and_guessing_keys_has_one_too()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"), options =>
            options with
            {
                LoopbackRateLimit = 2,
            }
        );
        using var one = await server.ClientAsync(Role.Read);
        using var two = await server.ClientAsync(Role.Read);

        Assert.Equal("200 200 429", await StatusesAsync(one));
        Assert.Equal("200 200 429", await StatusesAsync(two));
        using var guesser = server.ClientOf($"lk_{new string('0', 16)}_{new string('0', 64)}");
        Assert.Equal("401 401 429", await StatusesAsync(guesser));

        static async Task<string> StatusesAsync(HttpClient client)
        {
            var statuses = new List<int>();
            for (var i = 0; i < 3; i++)
            {
                using var response = await client.GetAsync("/api/lightning/stats");
                statuses.Add((int)response.StatusCode);
            }

            return string.Join(' ', statuses);
        }
    }

    [Theory]
    [InlineData("/nowhere", 404)]
    [InlineData("/api/lightning/episodes/nobody", 404)]
    [InlineData("/api/lightning/episodes?limit=0", 400)]
    public async Task An_error_is_a_problem_whatever_the_client_would_rather_have(string path, int status)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/html");

        using var response = await server.Http.SendAsync(request);

        await ServerUnderTest.ProblemAsync((HttpStatusCode)status, response);
    }

    [Fact]
    public async Task A_ready_server_says_what_it_looked_at()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var ready = await server.GetAsync("/health/ready");

        Assert.Equal(("healthy", "sqlite", "anonymous"), (Text(ready, "status"), Text(ready, "database"), Text(ready, "auth_mode")));
        Assert.True(ready.GetProperty("initialized").GetBoolean());
        Assert.Equal(
            "store healthy recorder healthy",
            string.Join(' ', ready.GetProperty("checks").EnumerateArray().Select(check => $"{Text(check, "name")} {Text(check, "status")}"))
        );
        Assert.All(ready.GetProperty("checks").EnumerateArray(), check => Assert.True(check.GetProperty("duration_ms").GetDouble() >= 0));
    }

    [Fact]
    public async Task A_server_whose_store_is_gone_is_alive_and_not_ready()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "e");
        foreach (var file in Directory.GetFiles(folder.Path))
        {
            await File.WriteAllTextAsync(file, new string('x', 100_000));
        }

        using var response = await server.Http.GetAsync("/health/ready");
        using var ready = JsonDocument.Parse(await response.Content.ReadAsStringAsync());

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unhealthy"), (response.StatusCode, Text(ready.RootElement, "status")));
        Assert.NotNull(response.Headers.RetryAfter);
        var store = ready.RootElement.GetProperty("checks")[0];
        Assert.Equal("unhealthy", Text(store, "status"));
        Assert.NotEqual("", Text(store, "detail"));
        await server.GetAsync("/health");
    }

    [Fact]
    public async Task A_server_that_was_told_to_end_says_so_goes_on_serving_for_the_notice_and_then_finishes_what_runs()
    {
        using var folder = new TemporaryFolder();
        var time = new FakeTimeProvider();
        var blocked = new TaskCompletionSource();
        var reached = new TaskCompletionSource();
        var server = await ServerUnderTest.StartAsync(
            folder.File("lightning.db"),
            options => options with { DrainNotice = TimeSpan.FromSeconds(10), Drain = TimeSpan.FromMinutes(10) },
            services => services.AddSingleton<TimeProvider>(time)
        );

        // A body of which the second half is still on its way when the server is told to end.
        var body = Encoding.UTF8.GetBytes("""{"comment":"text","episode_id":"late"}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/lightning/triage")
        {
            Content = new HalfContent(body, reached, blocked.Task),
        };
        var late = server.Http.SendAsync(request);
        await reached.Task;
        var stopping = server.App.StopAsync();

        using (var ready = await server.Http.GetAsync("/health/ready"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            using var said = JsonDocument.Parse(await ready.Content.ReadAsStringAsync());
            Assert.Equal("draining", Text(said.RootElement, "status"));
        }

        await server.TriageAsync("during the notice", "during");
        time.Advance(TimeSpan.FromSeconds(10));
        blocked.SetResult();
        using var answer = await late;
        await stopping;

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await Assert.ThrowsAsync<HttpRequestException>(() => server.Http.GetAsync("/health"));
        var episodes = server.App.Services.GetRequiredService<IEpisodeStore>();
        Assert.NotNull(await episodes.FindAsync("late", CancellationToken.None));
        Assert.NotNull(await episodes.FindAsync("during", CancellationToken.None));
        await server.DisposeAsync();
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    /// <summary>A body that stops in the middle until it may go on.</summary>
    private sealed class HalfContent : HttpContent
    {
        private readonly byte[] _body;
        private readonly TaskCompletionSource _reached;
        private readonly Task _goOn;

        public HalfContent(byte[] body, TaskCompletionSource reached, Task goOn)
        {
            (_body, _reached, _goOn) = (body, reached, goOn);
            Headers.Add("Content-Type", "application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_body.AsMemory(0, 10));
            await stream.FlushAsync();
            _reached.SetResult();
            await _goOn;
            await stream.WriteAsync(_body.AsMemory(10));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _body.Length;
            return true;
        }
    }
}
