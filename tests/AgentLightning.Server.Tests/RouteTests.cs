using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
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

    [Theory]
    [InlineData("/api/lightning/episode", "/api/lightning/episodes")]
    [InlineData("/api/episodes", "/api/lightning/episodes")]
    [InlineData("/api/lightning/reward/", "/api/lightning/rewards")]
    [InlineData("/api/lightning/deployment/rollback", "/api/lightning/deployments/rollback")]
    [InlineData("/healthz", "/health")]
    [InlineData("/v1/trace", "/v1/traces")]
    public async Task An_unknown_route_is_answered_with_those_that_may_be_meant(string path, string meant)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.Http.GetAsync(path);

        var detail = await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, response);
        Assert.Contains($"Did you mean {meant}", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_page_leads_to_pages_that_are_there_and_neither_loads_anything_from_elsewhere()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var first = await server.Http.GetAsync("/");
        var page = await first.Content.ReadAsStringAsync();

        Assert.Equal("text/html", first.Content.Headers.ContentType?.MediaType);
        Assert.Contains($"curl -s {server.Http.BaseAddress}api/lightning/episodes", page, StringComparison.Ordinal);
        var links = Regex.Matches(page, "href=\"(.*?)\"").Select(match => match.Groups[1].Value).ToList();
        Assert.Contains("/docs/", links);
        foreach (var link in links)
        {
            using var linked = await server.Http.GetAsync(link);
            Assert.Equal((link, HttpStatusCode.OK), (link, linked.StatusCode));
        }

        var reference = await server.Http.GetStringAsync("/docs/");
        Assert.Contains("openapi/v1.json", reference, StringComparison.Ordinal);
        Assert.DoesNotMatch("(src|href)=\"https?:", page + reference);
    }

    [Fact]
    public async Task A_first_page_that_is_asked_for_by_a_strange_name_does_not_repeat_it()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        using var connection = await RawConnection.OpenAsync(server.Http.BaseAddress!);

        await connection.SendAsync("GET / HTTP/1.1\r\nHost: a'b&c\r\n\r\n");
        var answer = await connection.ReadAsync(isHead: false);

        Assert.DoesNotContain("a'b", answer!.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_route_stands_in_the_document_of_the_server_and_no_other()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var document = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "operations", "server.md"));
        var documented = Regex
            .Matches(document, @"`(?<method>GET|POST|PUT|DELETE|PATCH) (?<path>/[^`]*)`(?=[^\n]*\|)")
            .Select(match => $"{match.Groups["method"].Value} {match.Groups["path"].Value}");

        var mapped = ((IEndpointRouteBuilder)server.App)
            .DataSources.SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .SelectMany(endpoint =>
                (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method =>
                    $"{method} /{endpoint.RoutePattern.RawText!.TrimStart('/').Replace("{documentName}", "v1", StringComparison.Ordinal)}"
                )
            )
            // The parts of one page.
            .Select(route => route.StartsWith("GET /docs", StringComparison.Ordinal) ? "GET /docs/" : route);

        Assert.Equal(mapped.Distinct().Order(StringComparer.Ordinal), documented.Distinct().Order(StringComparer.Ordinal));
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
                "GET /api/lightning/datasets",
                "GET /api/lightning/datasets/lineage",
                "GET /api/lightning/datasets/{id}",
                "GET /api/lightning/datasets/{id}/export",
                "GET /api/lightning/deployments",
                "GET /api/lightning/deployments/active",
                "GET /api/lightning/deployments/lineage",
                "GET /api/lightning/deployments/selected",
                "GET /api/lightning/deployments/{id}",
                "GET /api/lightning/diagnostics/traces",
                "GET /api/lightning/episodes",
                "GET /api/lightning/episodes/{id}",
                "GET /api/lightning/evaluations",
                "GET /api/lightning/evaluations/{id}",
                "GET /api/lightning/experiments",
                "GET /api/lightning/experiments/status",
                "GET /api/lightning/experiments/{id}",
                "GET /api/lightning/export",
                "GET /api/lightning/feedback",
                "GET /api/lightning/ids",
                "GET /api/lightning/keys",
                "GET /api/lightning/monitoring/distribution",
                "GET /api/lightning/monitoring/low-rewards",
                "GET /api/lightning/monitoring/rewards",
                "GET /api/lightning/monitoring/submission-rate",
                "GET /api/lightning/rewards",
                "GET /api/lightning/stats",
                "GET /api/lightning/training",
                "GET /api/lightning/training/{id}",
                "GET /api/lightning/training/{id}/log",
                "GET /api/v1/admin/agent-lightning/dashboard",
                "GET /api/v1/admin/agent-lightning/feedback/recent",
                "GET /api/v1/admin/agent-lightning/feedback/stats",
                "GET /api/v1/admin/agent-lightning/stats",
                "POST /api/lightning/capture",
                "POST /api/lightning/datasets",
                "POST /api/lightning/datasets/golden",
                "POST /api/lightning/datasets/preview",
                "POST /api/lightning/deployments",
                "POST /api/lightning/deployments/deactivate",
                "POST /api/lightning/deployments/rollback",
                "POST /api/lightning/episodes",
                "POST /api/lightning/evaluations",
                "POST /api/lightning/experiments",
                "POST /api/lightning/experiments/step",
                "POST /api/lightning/experiments/stop",
                "POST /api/lightning/keys",
                "POST /api/lightning/rewards",
                "POST /api/lightning/rewards/implicit",
                "POST /api/lightning/training",
                "POST /api/lightning/training/{id}/cancel",
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
