using System.Net;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

/// <summary>The server on PostgreSQL: the whole loop, several servers, and a database that goes away.</summary>
public sealed class PostgresTests
{
    [Fact]
    public async Task Servers_that_share_nothing_but_the_database_train_promote_serve_and_roll_back()
    {
        using var cluster = PostgresCluster.Start();
        var store = cluster.NewDatabase();
        await using var trained = new TrainedStore();
        await trained.FillAsync(store);
        await using var one = await ServerUnderTest.StartAsync(store);
        await using var two = await ServerUnderTest.StartAsync(store);
        await one.TriageAsync("warm");
        await two.TriageAsync("warm");

        var release = await one.PostAsync("/api/lightning/deployments", new { run_id = trained.GoodRun });
        var served = await two.TriageAsync("x", "shared");
        await one.RewardAsync("shared", 0.5);

        Assert.Equal(release.GetProperty("deployment_id").GetString(), served.GetProperty("deployment_id").GetString());
        Assert.Single((await two.GetAsync("/api/lightning/episodes/shared")).GetProperty("rewards").EnumerateArray());
        await one.PostAsync("/api/lightning/deployments", new { run_id = trained.OtherGoodRun, force = true });
        var back = await two.PostAsync("/api/lightning/deployments/rollback", new { });
        Assert.Equal(back.GetProperty("deployment_id").GetString(), (await one.TriageAsync("x")).GetProperty("deployment_id").GetString());
        Assert.Equal(served.GetProperty("model").GetString(), (await one.TriageAsync("x")).GetProperty("model").GetString());
    }

    [Fact]
    public async Task Many_promotions_at_once_through_two_servers_leave_one_active()
    {
        using var cluster = PostgresCluster.Start();
        var store = cluster.NewDatabase();
        await using var trained = new TrainedStore();
        await trained.FillAsync(store);
        await using var one = await ServerUnderTest.StartAsync(store);
        await using var two = await ServerUnderTest.StartAsync(store);

        var statuses = await Task.WhenAll(
            Enumerable
                .Range(0, 12)
                .Select(async i =>
                {
                    using var response = await (i % 2 == 0 ? one : two).PostRawAsync(
                        "/api/lightning/deployments",
                        $$"""{"run_id":"{{(i % 4 < 2 ? trained.GoodRun : trained.OtherGoodRun)}}","force":true}"""
                    );
                    return response.StatusCode;
                })
        );

        Assert.All(statuses, status => Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Conflict, $"{status}"));
        Assert.Contains(HttpStatusCode.OK, statuses);
        Assert.Equal("1", cluster.Execute("test_1", "SELECT count(*) FROM deployments WHERE is_active = 1"));
        Assert.Equal(
            statuses.Count(status => status == HttpStatusCode.OK).ToString(System.Globalization.CultureInfo.InvariantCulture),
            cluster.Execute("test_1", "SELECT count(*) FROM deployments WHERE number > 0")
        );
    }

    [Fact]
    public async Task While_the_database_is_away_requests_are_told_to_come_again_and_then_they_are_served()
    {
        using var cluster = PostgresCluster.Start();
        await using var server = await ServerUnderTest.StartAsync(cluster.NewDatabase());
        await server.TriageAsync("x", "before");
        cluster.Kill();

        using (var response = await server.Http.GetAsync("/api/lightning/stats"))
        {
            var detail = await ServerUnderTest.ProblemAsync(HttpStatusCode.ServiceUnavailable, response);
            Assert.NotNull(response.Headers.RetryAfter);
            Assert.Contains("test_1", detail, StringComparison.Ordinal);
            Assert.DoesNotContain(cluster.Password, detail, StringComparison.Ordinal);
        }

        await server.RefusedAsync(HttpStatusCode.ServiceUnavailable, "/api/lightning/rewards", new { episode_id = "before", reward = 1 });
        cluster.StartServer();

        await server.RewardAsync("before", 1);
        await server.TriageAsync("x", "after");
        Assert.Equal("after", (await server.GetAsync("/api/lightning/episodes/after")).GetProperty("id").GetString());
    }
}
