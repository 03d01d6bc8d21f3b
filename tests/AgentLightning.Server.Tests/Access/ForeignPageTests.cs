using System.Net;
using System.Net.Http.Headers;
using System.Text;
using AgentLightning.Access;
using AgentLightning.Server.Access;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

/// <summary>What a page of another site, in a browser on the machine of a server without keys, tries on every route.</summary>
public sealed class ForeignPageTests
{
    [Fact]
    public async Task No_route_that_changes_something_takes_it_from_a_page_of_another_site()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        foreach (var (method, path) in Routes(server).Where(route => route.Method != "GET"))
        {
            foreach (
                var (name, value) in new[] { ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null") }
            )
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = Json("{}") };
                request.Headers.Add(name, value);
                Assert.Equal((method, path, 403), (method, path, await StatusAsync(server, request)));
            }

            foreach (var type in new[] { "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain" })
            {
                using var form = new HttpRequestMessage(new HttpMethod(method), path) { Content = Json("a=b") };
                form.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
                Assert.Equal((method, path, 415), (method, path, await StatusAsync(server, form)));
            }
        }
    }

    [Fact]
    public async Task No_route_with_records_answers_to_a_name_that_was_made_to_point_here()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        foreach (var (method, path) in Routes(server))
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            request.Content = method == "GET" ? null : Json("{}");
            request.Headers.Host = "evil.example";
            Assert.Equal((method, path, 421), (method, path, await StatusAsync(server, request)));
        }

        using var probe = new HttpRequestMessage(HttpMethod.Get, "/health") { Headers = { Host = "pod.cluster.example" } };
        Assert.Equal(200, await StatusAsync(server, probe));
    }

    [Fact]
    public async Task A_form_does_not_clear_an_agent_and_a_bare_post_does_not_roll_back()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "e");
        using var form = new FormUrlEncodedContent([]);

        using var cleared = await server.Http.PostAsync("/api/v1/admin/agent-lightning/clear?agent_name=triage", form);
        using var rolledBack = await server.Http.PostAsync("/api/lightning/deployments/rollback", null);

        await ServerUnderTest.ProblemAsync(HttpStatusCode.UnsupportedMediaType, cleared);
        await ServerUnderTest.ProblemAsync(HttpStatusCode.UnsupportedMediaType, rolledBack);
        await server.GetAsync("/api/lightning/episodes/e");
    }

    [Fact]
    public async Task A_name_that_was_allowed_is_served_and_its_pages_may_change_things_and_with_keys_any_name_is()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"), options =>
            options with
            {
                AllowedHosts = ["lightning.example"],
            }
        );

        using var allowed = new HttpRequestMessage(HttpMethod.Post, "/api/lightning/triage")
        {
            Content = Json("""{"comment":"x"}"""),
            Headers = { Host = "lightning.example" },
        };
        allowed.Headers.Add("Origin", "https://lightning.example");
        Assert.Equal(200, await StatusAsync(server, allowed));

        using var client = await server.ClientAsync(Role.Read);
        using var named = new HttpRequestMessage(HttpMethod.Get, "/api/lightning/stats") { Headers = { Host = "other.example" } };
        using var answer = await client.SendAsync(named);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    /// <summary>Every route that asks for a role, with something in the place of its parameters.</summary>
    private static List<(string Method, string Path)> Routes(ServerUnderTest server) =>
        [
            .. server
                .App.Services.GetRequiredService<EndpointDataSource>()
                .Endpoints.OfType<RouteEndpoint>()
                .Where(endpoint => endpoint.Metadata.GetMetadata<AccessRule>() is { Role: not null })
                .SelectMany(endpoint =>
                    (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method =>
                        (method, "/" + endpoint.RoutePattern.RawText!.TrimStart('/').Replace("{id}", "e", StringComparison.Ordinal))
                    )
                ),
        ];

    private static async Task<int> StatusAsync(ServerUnderTest server, HttpRequestMessage request)
    {
        using var response = await server.Http.SendAsync(request);
        return (int)response.StatusCode;
    }
}
