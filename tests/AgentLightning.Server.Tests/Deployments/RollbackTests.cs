using System.Net;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class RollbackTests(TrainedStore store)
{
    private const string Deployments = "/api/lightning/deployments";

    [Fact]
    public async Task A_rollback_brings_the_old_answer_back_and_keeps_the_reason()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        var good = await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        var expected = await server.TriageAsync(store.TellingText);
        var bad = await server.PostAsync(Deployments, new { run_id = store.BadRun, force = true });

        var release = await server.PostAsync($"{Deployments}/rollback", new { reason = "worse answers", rolled_back_by = "ada" });
        var answer = await server.TriageAsync(store.TellingText);

        Assert.Equal(good.GetProperty("tuned_model_name").GetString(), answer.GetProperty("model").GetString());
        Assert.Equal(expected.GetProperty("category").GetString(), answer.GetProperty("category").GetString());
        Assert.Equal(expected.GetProperty("confidence").GetDouble(), answer.GetProperty("confidence").GetDouble());
        Assert.Equal(release.GetProperty("deployment_id").GetString(), answer.GetProperty("deployment_id").GetString());
        Assert.Equal(bad.GetProperty("deployment_id").GetString(), release.GetProperty("rollback_from").GetString());
        Assert.Equal("worse answers", release.GetProperty("rollback_reason").GetString());
        Assert.Equal("ada", release.GetProperty("rolled_back_by").GetString());
    }

    [Fact]
    public async Task A_second_rollback_does_not_return_to_the_release_just_left()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        await server.PostAsync(Deployments, new { run_id = store.BadRun, force = true });
        var release = await server.PostAsync($"{Deployments}/rollback", new { });

        var detail = await server.RefusedAsync(HttpStatusCode.Conflict, $"{Deployments}/rollback", new { });

        Assert.Equal("No previous deployment to roll back to", detail);
        var active = await server.GetAsync($"{Deployments}/active");
        Assert.Equal(release.GetProperty("deployment_id").GetString(), active.GetProperty("deployment_id").GetString());
        Assert.Equal(3, (await server.GetAsync(Deployments)).GetProperty("deployments_found").GetInt32());
    }

    [Fact]
    public async Task Rollbacks_walk_back_through_the_good_releases_one_by_one()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        var first = await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        var second = await server.PostAsync(Deployments, new { run_id = store.OtherGoodRun, force = true });
        await server.PostAsync(Deployments, new { run_id = store.BadRun, force = true });

        Assert.Equal(Name(second), Name(await server.PostAsync($"{Deployments}/rollback", new { })));
        Assert.Equal(Name(first), Name(await server.PostAsync($"{Deployments}/rollback", new { })));
        await server.RefusedAsync(HttpStatusCode.Conflict, $"{Deployments}/rollback", new { });

        static string? Name(JsonElement release) => release.GetProperty("tuned_model_name").GetString();
    }

    [Fact]
    public async Task A_rollback_can_name_its_target_which_must_be_a_former_release()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        var first = await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        await server.PostAsync(Deployments, new { run_id = store.OtherGoodRun, force = true });
        var last = await server.PostAsync(Deployments, new { run_id = store.BadRun, force = true });

        await server.RefusedAsync(HttpStatusCode.NotFound, $"{Deployments}/rollback", new { target_deployment_id = "nobody" });
        await server.RefusedAsync(
            HttpStatusCode.NotFound,
            $"{Deployments}/rollback",
            new { target_deployment_id = last.GetProperty("deployment_id").GetString() }
        );
        var release = await server.PostAsync(
            $"{Deployments}/rollback",
            new { target_deployment_id = first.GetProperty("deployment_id").GetString() }
        );

        Assert.Equal(first.GetProperty("tuned_model_name").GetString(), release.GetProperty("tuned_model_name").GetString());
        Assert.Equal(store.GoodRun, (await server.GetAsync($"{Deployments}/active")).GetProperty("training_run_id").GetString());
    }

    [Fact]
    public async Task There_is_nothing_to_roll_back_before_the_first_release()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        Assert.Contains(
            "no active release",
            await server.RefusedAsync(HttpStatusCode.Conflict, $"{Deployments}/rollback", "{}"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_post_without_a_body_rolls_nothing_back()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        var last = await server.PostAsync(Deployments, new { run_id = store.BadRun, force = true });

        using var bare = await server.Http.PostAsync($"{Deployments}/rollback", null);
        await server.RefusedAsync(HttpStatusCode.BadRequest, $"{Deployments}/rollback", "");
        await server.RefusedAsync(HttpStatusCode.BadRequest, $"{Deployments}/rollback", "null");

        Assert.InRange((int)bare.StatusCode, 400, 415);
        var active = await server.GetAsync($"{Deployments}/active");
        Assert.Equal(last.GetProperty("deployment_id").GetString(), active.GetProperty("deployment_id").GetString());
    }

    [Fact]
    public async Task A_release_is_looked_up_by_its_id()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        var release = await server.PostAsync(Deployments, new { run_id = store.GoodRun });

        var found = await server.GetAsync($"{Deployments}/{release.GetProperty("deployment_id").GetString()}");
        using var missing = await server.Http.GetAsync($"{Deployments}/nobody");

        Assert.Equal(release.GetProperty("tuned_model_name").GetString(), found.GetProperty("tuned_model_name").GetString());
        Assert.Equal("Release nobody not found.", await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, missing));
    }

    [Fact]
    public async Task Lineage_tells_why_each_release_served()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        await server.PostAsync(Deployments, new { run_id = store.BadRun, force = true });
        await server.PostAsync($"{Deployments}/rollback", new { reason = "worse answers" });

        var lineage = (await server.GetAsync($"{Deployments}/lineage")).GetProperty("lineage").EnumerateArray().ToList();

        Assert.Equal([true, false, false], lineage.Select(entry => entry.GetProperty("is_active").GetBoolean()));
        Assert.Equal(["worse answers", null, null], lineage.Select(entry => entry.GetProperty("rollback_reason").GetString()));
        Assert.Equal(
            [store.GoodRun, store.BadRun, store.GoodRun],
            lineage.Select(entry => entry.GetProperty("training_run").GetProperty("id").GetString())
        );
        Assert.Equal([true, false, true], lineage.Select(entry => entry.GetProperty("evaluation").GetProperty("passed").GetBoolean()));
        Assert.All(lineage, entry =>
        {
            Assert.Equal("feedback", entry.GetProperty("dataset").GetProperty("name").GetString());
            Assert.NotEqual("", entry.GetProperty("evaluation").GetProperty("reason").GetString());
            Assert.Equal("succeeded", entry.GetProperty("training_run").GetProperty("status").GetString());
        });
    }
}
