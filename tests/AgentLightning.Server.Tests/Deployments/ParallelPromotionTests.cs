using System.Net;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class ParallelPromotionTests(TrainedStore store)
{
    private const string Deployments = "/api/lightning/deployments";

    [Fact]
    public async Task Many_promotions_at_once_leave_exactly_one_active_release()
    {
        using var folder = new TemporaryFolder();
        var path = store.CopyTo(folder);
        await using var one = await ServerUnderTest.StartAsync(path);
        await using var two = await ServerUnderTest.StartAsync(path);
        string[] runs = [store.GoodRun, store.OtherGoodRun, store.BadRun, store.UnprovenRun];

        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 24)
                .Select(async i =>
                {
                    using var response = await (i % 2 == 0 ? one : two).PostRawAsync(
                        Deployments,
                        JsonSerializer.Serialize(new { run_id = runs[i / 2 % runs.Length], force = true })
                    );
                    return response.StatusCode;
                })
        );

        Assert.All(answers, status => Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Conflict, status.ToString()));
        var releases = (await one.GetAsync($"{Deployments}?limit=1000")).GetProperty("deployments").EnumerateArray().ToList();
        Assert.Equal(answers.Count(status => status == HttpStatusCode.OK), releases.Count);
        Assert.NotEmpty(releases);
        var active = Assert.Single(releases, release => release.GetProperty("is_active").GetBoolean());
        Assert.Equal(active.GetProperty("id").GetString(), (await two.TriageAsync("x")).GetProperty("deployment_id").GetString());
    }

    [Fact]
    public async Task Many_rollbacks_at_once_leave_exactly_one_active_release_and_never_the_one_that_was_left()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        await server.PostAsync(Deployments, new { run_id = store.BadRun, force = true });

        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(async _ =>
                {
                    using var response = await server.PostRawAsync($"{Deployments}/rollback", "{}");
                    return response.StatusCode;
                })
        );

        Assert.Single(answers, HttpStatusCode.OK);
        Assert.All(answers, status => Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Conflict, status.ToString()));
        var active = Assert.Single((await server.GetAsync(Deployments)).GetProperty("deployments").EnumerateArray(), release =>
            release.GetProperty("is_active").GetBoolean()
        );
        Assert.Equal(store.GoodRun, active.GetProperty("training_run_id").GetString());
    }
}
