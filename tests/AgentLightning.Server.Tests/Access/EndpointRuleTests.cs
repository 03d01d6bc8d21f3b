using System.Reflection;
using AgentLightning.Access;
using AgentLightning.Server.Access;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

/// <summary>Every route says who may call it and how it keeps agents apart; one that was forgotten fails here.</summary>
public sealed class EndpointRuleTests
{
    /// <summary>What needs no key: nothing of it is a record.</summary>
    private static readonly string[] s_open = ["/", "/health", "/health/ready", "/openapi/{documentName}.json"];

    [Fact]
    public async Task Every_route_says_which_role_it_needs_and_how_it_keeps_agents_apart()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var endpoints = server.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();

        Assert.NotEmpty(endpoints);
        foreach (var endpoint in endpoints)
        {
            var name = endpoint.DisplayName;
            var rule = endpoint.Metadata.GetMetadata<AccessRule>();
            Assert.True(rule is not null, $"{name} does not say who may call it: add .RequiresRole(Role.…) where it is mapped.");
            Assert.True(
                rule.Role is not null
                    || s_open.Contains("/" + endpoint.RoutePattern.RawText!.TrimStart('/'))
                    || endpoint.RoutePattern.RawText!.TrimStart('/').StartsWith("docs/", StringComparison.Ordinal),
                $"{name} is open to all: only what is in the list of this test may be."
            );
            if (rule is { Role: not null, Agents: AgentRule.Scoped })
            {
                Assert.True(
                    AccessMiddleware.TakesScope(endpoint),
                    $"{name} keeps agents apart by an {nameof(Scope)}, but its handler does not take one. Take it and ask it, or say "
                        + $"AgentRule.NoRecords or AgentRule.AllAgents."
                );
            }
        }
    }

    [Fact]
    public async Task A_handler_that_takes_an_agent_s_name_or_id_asks_the_scope()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        foreach (var endpoint in server.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var parameters = endpoint.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? [];
            var names = parameters.SelectMany(parameter =>
                parameter.ParameterType.GetProperties().Select(property => property.Name).Append(parameter.Name!)
            );
            var named = parameters.Where(parameter =>
                parameter.ParameterType == typeof(string)
                || parameter.ParameterType.Namespace?.StartsWith("AgentLightning.Server", StringComparison.Ordinal) == true
            );
            if (
                named.Any()
                && names.Any(name => name.Equals("agentId", StringComparison.OrdinalIgnoreCase))
                && endpoint.Metadata.GetMetadata<AccessRule>()!.Agents == AgentRule.NoRecords
            )
            {
                Assert.Fail($"{endpoint.DisplayName} takes an agent and says that it has no records of agents.");
            }
        }
    }
}
