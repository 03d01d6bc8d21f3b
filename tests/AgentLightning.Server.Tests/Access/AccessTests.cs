using System.Net;
using System.Text;
using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

public sealed class AccessTests
{
    private const string Triage = "/api/lightning/triage";
    private const string Stats = "/api/lightning/stats";

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 4, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task Without_keys_this_machine_needs_none_and_with_the_first_one_everybody_does()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        await server.GetAsync(Stats);

        var key = await server.KeyAsync(Role.Admin);
        _time.Advance(TimeSpan.FromSeconds(1));

        using var refused = await server.Http.GetAsync(Stats);
        Assert.Contains(
            "lightning keys create",
            await ServerUnderTest.ProblemAsync(HttpStatusCode.Unauthorized, refused),
            StringComparison.Ordinal
        );
        Assert.Equal("Bearer realm=\"lightning\"", refused.Headers.WwwAuthenticate.ToString());
        using var client = server.ClientOf(key.Text);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(Stats)).StatusCode);
    }

    [Theory]
    [InlineData("Authorization", "Bearer KEY", 200)]
    [InlineData("Authorization", "bearer  KEY", 200)]
    [InlineData("x-api-key", "KEY", 200)]
    [InlineData("Authorization", "Bearer", 401)]
    [InlineData("Authorization", "Basic KEY", 401)]
    [InlineData("Authorization", "Bearer KEY0", 401)]
    [InlineData("x-api-key", "nonsense", 401)]
    public async Task A_key_comes_as_a_bearer_token_or_as_x_api_key(string header, string value, int status)
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        var key = await server.KeyAsync(Role.Read);
        using var request = new HttpRequestMessage(HttpMethod.Get, Stats);
        request.Headers.TryAddWithoutValidation(header, value.Replace("KEY", key.Text, StringComparison.Ordinal));

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.DoesNotContain(key.Text, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Role.Read, "GET", Stats, 200)]
    [InlineData(Role.Read, "GET", "/metrics", 200)]
    [InlineData(Role.Read, "POST", Triage, 403)]
    [InlineData(Role.Write, "POST", Triage, 200)]
    [InlineData(Role.Write, "GET", Stats, 200)]
    [InlineData(Role.Write, "POST", "/api/lightning/deployments/rollback", 403)]
    [InlineData(Role.Admin, "POST", "/api/lightning/deployments/rollback", 409)]
    [InlineData(Role.Admin, "POST", Triage, 200)]
    public async Task A_role_may_do_what_it_is_for_and_a_refusal_names_the_role_that_is_needed(
        Role role,
        string method,
        string path,
        int status
    )
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        using var client = await server.ClientAsync(role);
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = method == "GET" ? null : new StringContent("""{"comment":"x"}""", Encoding.UTF8, "application/json"),
        };

        using var response = await client.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        if (status == 403)
        {
            var needed = path == Triage ? Role.Write : Role.Admin;
            Assert.Contains(
                $"role {EnumText.Of(needed)}",
                await ServerUnderTest.ProblemAsync(HttpStatusCode.Forbidden, response),
                StringComparison.Ordinal
            );
        }
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/health/ready")]
    [InlineData("/openapi/v1.json")]
    public async Task What_shows_no_record_needs_no_key(string path)
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        await server.KeyAsync(Role.Read);

        await server.GetAsync(path);
    }

    [Fact]
    public async Task Metrics_need_a_key_once_there_is_one()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        await server.KeyAsync(Role.Read);

        using var response = await server.Http.GetAsync("/metrics");

        await ServerUnderTest.ProblemAsync(HttpStatusCode.Unauthorized, response);
    }

    [Fact]
    public async Task A_key_that_was_revoked_by_another_process_is_refused_within_a_second_by_all_servers()
    {
        using var folder = new TemporaryFolder();
        await using var one = await StartAsync(folder);
        await using var two = await StartAsync(folder);
        var key = await one.KeyAsync(Role.Read);
        using var first = one.ClientOf(key.Text);
        using var second = two.ClientOf(key.Text);
        Assert.Equal(
            [HttpStatusCode.OK, HttpStatusCode.OK],
            [(await first.GetAsync(Stats)).StatusCode, (await second.GetAsync(Stats)).StatusCode]
        );

        await one.App.Services.GetRequiredService<RevokeKey>().ExecuteAsync(Scope.Owner("test"), key.Key.Id, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(1));

        using var refused = await second.GetAsync(Stats);
        Assert.Contains("revoked", await ServerUnderTest.ProblemAsync(HttpStatusCode.Unauthorized, refused), StringComparison.Ordinal);
        Assert.Contains("invalid_token", refused.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await first.GetAsync(Stats)).StatusCode);
    }

    [Fact]
    public async Task Other_machines_are_served_with_a_key_in_the_store_or_where_that_is_asked_for()
    {
        using var folder = new TemporaryFolder();
        await using (
            var open = await ServerUnderTest.StartAsync(folder.File("open.db"), options =>
                options with
                {
                    Urls = "http://0.0.0.0:0",
                    AllowAnonymous = true,
                }
            )
        )
        {
            using var local = new HttpClient { BaseAddress = Local(open) };
            Assert.Equal(HttpStatusCode.OK, (await local.GetAsync(Stats)).StatusCode);
        }

        NewApiKey key;
        await using (var first = await ServerUnderTest.StartAsync(folder.File("closed.db")))
        {
            key = await first.KeyAsync(Role.Read);
        }

        await using var closed = await ServerUnderTest.StartAsync(folder.File("closed.db"), options =>
            options with
            {
                Urls = "http://0.0.0.0:0",
            }
        );
        using var client = new HttpClient { BaseAddress = Local(closed) };
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(Stats)).StatusCode);
        client.DefaultRequestHeaders.Add("x-api-key", key.Text);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(Stats)).StatusCode);

        static Uri Local(ServerUnderTest server) => new($"http://127.0.0.1:{server.Http.BaseAddress!.Port}");
    }

    [Fact]
    public async Task A_promotion_through_the_server_is_written_down_with_the_key_that_did_it()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        var services = server.App.Services;
        var promote = services.GetRequiredService<AgentLightning.Deployments.PromoteBase>();
        await promote.ExecuteAsync(Scope.Owner("test"), new("triage", "triage-rules"), CancellationToken.None);
        await promote.ExecuteAsync(Scope.Owner("test"), new("triage", "other"), CancellationToken.None);
        var key = await server.KeyAsync(Role.Admin);
        using var client = server.ClientOf(key.Text);

        using var response = await client.PostAsync(
            "/api/lightning/deployments/rollback",
            new StringContent("{\"rolled_back_by\":\"somebody else\"}", Encoding.UTF8, "application/json")
        );

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var entry = Assert.Single(
            await services.GetRequiredService<IAuditLog>().ListAsync(new AuditQuery(Action: AuditAction.RolledBack), CancellationToken.None)
        );
        Assert.Equal(($"key {key.Key.Id}", "somebody else"), (entry.Actor, entry.Detail!["by"]));
    }

    [Fact]
    public async Task However_often_somebody_knocks_the_audit_log_gets_a_bounded_number_of_entries_with_the_true_count()
    {
        const int Knocks = 500;
        using var folder = new TemporaryFolder();
        var server = await StartAsync(folder);
        await server.KeyAsync(Role.Admin);
        for (var i = 0; i < Knocks; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/lightning/episodes/e{i}");
            request.Headers.TryAddWithoutValidation("x-api-key", $"lk_{i:x16}_{new string('0', 64)}");
            using var response = await server.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }

        await server.App.StopAsync();

        var entries = await server
            .App.Services.GetRequiredService<IAuditLog>()
            .ListAsync(new AuditQuery(Action: AuditAction.AccessRefused), CancellationToken.None);
        var entry = Assert.Single(entries);
        Assert.Equal(
            ("wrong key", AuditOutcome.Refused, "401", "500"),
            (entry.Actor, entry.Outcome, entry.Detail!["status"], entry.Detail["requests"])
        );
        Assert.Contains("episodes/{id}", entry.Subject, StringComparison.Ordinal);
        await server.DisposeAsync();
    }

    private Task<ServerUnderTest> StartAsync(TemporaryFolder folder) =>
        ServerUnderTest.StartAsync(folder.File("lightning.db"), options => options, services => services.AddSingleton<TimeProvider>(_time));
}
