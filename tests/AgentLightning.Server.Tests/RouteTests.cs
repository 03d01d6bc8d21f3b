using System.Net;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Tests;

public sealed class RouteTests
{
    [Theory]
    [InlineData("/nowhere")]
    [InlineData("/api/lightning")]
    [InlineData("/api/lightning/nowhere")]
    [InlineData("/api/lightning/episodes/a/b")]
    public async Task An_unknown_route_is_a_problem_with_404(string path)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.Http.GetAsync(path);

        await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, response);
    }

    [Theory]
    [InlineData("DELETE", "/api/lightning/stats")]
    [InlineData("PUT", "/api/lightning/rewards")]
    [InlineData("GET", "/api/v1/chat/feedback")]
    [InlineData("POST", "/api/lightning/monitoring/rewards")]
    [InlineData("GET", "/api/lightning/triage")]
    [InlineData("POST", "/api/lightning/stats")]
    [InlineData("PUT", "/api/lightning/deployments")]
    [InlineData("PUT", "/api/lightning/deployments/rollback")]
    public async Task A_wrong_method_is_a_problem_with_405_that_names_the_right_one(string method, string path)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await server.Http.SendAsync(request);

        await ServerUnderTest.ProblemAsync(HttpStatusCode.MethodNotAllowed, response);
        Assert.NotEmpty(response.Content.Headers.Allow);
        Assert.DoesNotContain(method, response.Content.Headers.Allow);
    }

    [Fact]
    public async Task The_open_api_document_lists_exactly_the_routes_that_are_mapped()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var mapped = ((IEndpointRouteBuilder)server.App)
            .DataSources.SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal))
            .SelectMany(endpoint =>
                endpoint
                    .Metadata.GetMetadata<HttpMethodMetadata>()!
                    .HttpMethods.Select(method => $"{method} {endpoint.RoutePattern.RawText}")
            );

        var document = await server.GetAsync("/openapi/v1.json");

        var listed = document
            .GetProperty("paths")
            .EnumerateObject()
            .Where(path => path.Name.StartsWith("/api/", StringComparison.Ordinal))
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"))
            .Order()
            .ToList();
        Assert.Equal(mapped.Order(), listed);
        Assert.Equal(
            [
                "DELETE /api/lightning/episodes",
                "DELETE /api/lightning/episodes/{id}",
                "DELETE /api/lightning/keys/{id}",
                "GET /api/lightning/audit",
                "GET /api/lightning/deployments",
                "GET /api/lightning/deployments/active",
                "GET /api/lightning/deployments/lineage",
                "GET /api/lightning/deployments/{id}",
                "GET /api/lightning/diagnostics/traces",
                "GET /api/lightning/episodes",
                "GET /api/lightning/episodes/{id}",
                "GET /api/lightning/export",
                "GET /api/lightning/feedback",
                "GET /api/lightning/keys",
                "GET /api/lightning/monitoring/distribution",
                "GET /api/lightning/monitoring/low-rewards",
                "GET /api/lightning/monitoring/rewards",
                "GET /api/lightning/monitoring/submission-rate",
                "GET /api/lightning/rewards",
                "GET /api/lightning/stats",
                "GET /api/v1/admin/agent-lightning/dashboard",
                "GET /api/v1/admin/agent-lightning/feedback/recent",
                "GET /api/v1/admin/agent-lightning/feedback/stats",
                "GET /api/v1/admin/agent-lightning/stats",
                "POST /api/lightning/capture",
                "POST /api/lightning/deployments",
                "POST /api/lightning/deployments/rollback",
                "POST /api/lightning/episodes",
                "POST /api/lightning/keys",
                "POST /api/lightning/rewards",
                "POST /api/lightning/rewards/implicit",
                "POST /api/lightning/triage",
                "POST /api/v1/admin/agent-lightning/clear",
                "POST /api/v1/chat/feedback",
            ],
            listed
        );
    }

    [Fact]
    public async Task The_open_api_document_tells_how_a_key_is_sent_and_where_none_is_asked_for()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var document = await server.GetAsync("/openapi/v1.json");

        var schemes = document.GetProperty("components").GetProperty("securitySchemes");
        Assert.Equal(
            ("http", "bearer"),
            (schemes.GetProperty("bearer").GetProperty("type").GetString(), schemes.GetProperty("bearer").GetProperty("scheme").GetString())
        );
        Assert.Equal("x-api-key", schemes.GetProperty("x-api-key").GetProperty("name").GetString());
        var paths = document.GetProperty("paths");
        var clear = paths.GetProperty("/api/v1/admin/agent-lightning/clear").GetProperty("post");
        Assert.Equal("Asks for the role admin.", clear.GetProperty("description").GetString());
        Assert.Equal(
            ["bearer", "x-api-key"],
            clear.GetProperty("security").EnumerateArray().Select(one => Assert.Single(one.EnumerateObject()).Name)
        );
        Assert.Equal(
            "Asks for the role read.",
            paths.GetProperty("/api/v1/admin/agent-lightning/stats").GetProperty("get").GetProperty("description").GetString()
        );
        Assert.False(paths.GetProperty("/health").GetProperty("get").TryGetProperty("security", out _));
    }

    [Fact]
    public async Task The_open_api_document_summarises_every_operation_and_speaks_snake_case()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var document = await server.GetAsync("/openapi/v1.json");

        foreach (var operation in document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()))
        {
            Assert.NotEqual("", operation.Value.GetProperty("summary").GetString());
            if (operation.Value.TryGetProperty("parameters", out var parameters))
            {
                Assert.All(parameters.EnumerateArray().Where(parameter => parameter.GetProperty("in").GetString() != "header"), parameter =>
                    Assert.Matches("^[a-z_]+$", parameter.GetProperty("name").GetString())
                );
            }
        }

        var reward = document.GetProperty("components").GetProperty("schemas").GetProperty("RewardInput").GetProperty("properties");
        Assert.Contains("episode_id", reward.EnumerateObject().Select(property => property.Name));
        Assert.Equal(JsonValueKind.Object, reward.GetProperty("reward_id").ValueKind);
    }
}
