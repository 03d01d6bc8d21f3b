using System.Globalization;
using System.Net;
using System.Text;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

/// <summary>The budget in front of all doors: what has come counts, not what was announced.</summary>
public sealed class BudgetTests
{
    private const int Mebibyte = 1 << 20;

    [Fact]
    public async Task Bodies_that_are_announced_and_come_slowly_hold_only_what_came_and_delay_nobody()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        var slow = new List<RawConnection>();
        try
        {
            // Together ten times the budget, of which a few bytes come.
            for (var i = 0; i < 40; i++)
            {
                slow.Add(await RawConnection.OpenAsync(server.Http.BaseAddress!));
                await slow[^1].SendAsync(Head(i % 2 == 0 ? "/v1/traces" : "/api/lightning/episodes", 1_000_000) + "{\"resourceSpans\":");
            }

            await server.PostAsync("/v1/traces", new { });
            await server.TriageAsync("others are served");

            Assert.InRange(server.App.Services.GetRequiredService<ByteBudget>().Used, 0, 40 * 1_000);
        }
        finally
        {
            slow.ForEach(connection => connection.Dispose());
        }
    }

    [Theory]
    [InlineData("/v1/traces")]
    [InlineData("/api/lightning/episodes")]
    [InlineData("/api/lightning/capture")]
    public async Task Large_bodies_of_one_key_fill_its_share_and_others_are_served_at_once(string door)
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        var greedy = await server.KeyAsync(Role.Write);
        using var modest = await server.ClientAsync(Role.Write);
        var budget = server.App.Services.GetRequiredService<ByteBudget>();
        var large = new List<RawConnection>();
        try
        {
            // Four that send all but the end, so that nothing of it can be let go: more than the share of their key.
            for (var i = 0; i < 4; i++)
            {
                large.Add(await RawConnection.OpenAsync(server.Http.BaseAddress!));
                await large[^1].SendAsync(Head(door, 1_000_000, greedy.Text) + "{\"x\":\"" + new string('x', 900_000));
            }

            // The first that finds no room is told so at once.
            var refused = await await Task.WhenAny(large.Select(connection => connection.ReadAsync(isHead: false)));
            Assert.Equal(503, refused!.Status);
            Assert.True(refused.Headers.ContainsKey("retry-after"));
            using var answer = await modest.PostAsync(
                "/api/lightning/triage",
                new StringContent($$"""{"comment":"{{new string('y', 200_000)}}"}""", Encoding.UTF8, "application/json")
            );
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.InRange(budget.Used, 0, 2 * Mebibyte + 300_000);
        }
        finally
        {
            large.ForEach(connection => connection.Dispose());
        }
    }

    /// <summary>Four MiB for all, two of them at most for a key, and no waiting.</summary>
    private static Task<ServerUnderTest> StartAsync(TemporaryFolder folder) =>
        ServerUnderTest.StartAsync(folder.File("lightning.db"), options => options with { MaxBodyBytes = Mebibyte, Lightning =
                    options.Lightning with
                    {
                        Budget = new ByteBudgetOptions
                        {
                            Bytes = 4 * Mebibyte,
                            KeyPercent = 50,
                            ConnectionPercent = 50,
                            FullWait = TimeSpan.Zero,
                        },
                        Traces = options.Lightning.Traces with { LargestBody = Mebibyte - 1_000 },
                    } });

    private static string Head(string path, int length, string? key = null) =>
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + (key is null ? "" : $"Authorization: Bearer {key}\r\n")
        + string.Create(CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n\r\n");
}
