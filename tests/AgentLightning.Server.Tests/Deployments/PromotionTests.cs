using System.Net;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class PromotionTests(TrainedStore store)
{
    private const string Deployments = "/api/lightning/deployments";

    [Fact]
    public async Task A_run_that_does_not_exist_or_is_another_agents_cannot_be_promoted()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        Assert.Contains(
            "nobody",
            await server.RefusedAsync(HttpStatusCode.NotFound, Deployments, new { run_id = "nobody" }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "other",
            await server.RefusedAsync(HttpStatusCode.NotFound, Deployments, new { run_id = store.GoodRun, agent_id = "other" }),
            StringComparison.Ordinal
        );
        Assert.Contains("run_id", await server.RefusedAsync(HttpStatusCode.BadRequest, Deployments, new { }), StringComparison.Ordinal);
        Assert.Equal(0, (await server.GetAsync(Deployments)).GetProperty("deployments_found").GetInt32());
    }

    [Fact]
    public async Task A_run_that_the_gate_has_not_passed_is_refused_with_the_reason()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        Assert.Contains(
            "lower bound",
            await server.RefusedAsync(HttpStatusCode.Conflict, Deployments, new { run_id = store.BadRun }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "never evaluated",
            await server.RefusedAsync(HttpStatusCode.Conflict, Deployments, new { run_id = store.UnprovenRun }),
            StringComparison.Ordinal
        );
        Assert.False((await server.GetAsync($"{Deployments}/active")).GetProperty("has_active_deployment").GetBoolean());
    }

    [Fact]
    public async Task A_forced_promotion_serves_and_is_recorded_as_forced()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        var release = await server.PostAsync(
            Deployments,
            new
            {
                run_id = store.BadRun,
                force = true,
                promoted_by = "ada",
            }
        );

        Assert.True(release.GetProperty("forced").GetBoolean());
        Assert.Equal("ada", release.GetProperty("promoted_by").GetString());
        var entry = (await server.GetAsync($"{Deployments}/lineage")).GetProperty("lineage")[0];
        Assert.True(entry.GetProperty("forced").GetBoolean());
        Assert.False(entry.GetProperty("evaluation").GetProperty("passed").GetBoolean());
    }

    [Fact]
    public async Task Force_does_not_mark_a_run_that_the_gate_passed()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        Assert.False(
            (await server.PostAsync(Deployments, new { run_id = store.GoodRun, force = true })).GetProperty("forced").GetBoolean()
        );
    }

    [Fact]
    public async Task A_gate_that_was_passed_against_another_model_than_serves_now_does_not_count()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync(Deployments, new { run_id = store.GoodRun });

        var detail = await server.RefusedAsync(HttpStatusCode.Conflict, Deployments, new { run_id = store.OtherGoodRun });

        Assert.Contains("compared with 'triage-rules'", detail, StringComparison.Ordinal);
        Assert.True(
            (await server.PostAsync(Deployments, new { run_id = store.OtherGoodRun, force = true })).GetProperty("forced").GetBoolean()
        );
    }

    [Fact]
    public async Task A_promotion_changes_the_very_next_answer()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        var before = await server.TriageAsync(store.TellingText);

        var release = await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        var after = await server.TriageAsync(store.TellingText);

        Assert.Equal("triage-rules", before.GetProperty("model").GetString());
        Assert.Equal(release.GetProperty("tuned_model_name").GetString(), after.GetProperty("model").GetString());
        Assert.Equal(release.GetProperty("deployment_id").GetString(), after.GetProperty("deployment_id").GetString());
        Assert.NotEqual(before.GetProperty("category").GetString(), after.GetProperty("category").GetString());
        var active = await server.GetAsync($"{Deployments}/active");
        Assert.Equal(
            ["success", "deployment_id", "training_run_id", "tuned_model_name", "is_active", "forced", "promoted_at", "promoted_by"],
            release.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal(
            ["has_active_deployment", "deployment_id", "training_run_id", "tuned_model_name", "promoted_at", "promoted_by"],
            active.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal(release.GetProperty("deployment_id").GetString(), active.GetProperty("deployment_id").GetString());
    }

    [Fact]
    public async Task The_model_that_serves_already_is_not_promoted_again()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync(Deployments, new { run_id = store.GoodRun });

        Assert.Contains(
            "already active",
            await server.RefusedAsync(HttpStatusCode.Conflict, Deployments, new { run_id = store.GoodRun }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_promotion_of_one_agent_leaves_the_others_alone()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync(Deployments, new { run_id = store.GoodRun });

        Assert.Equal("triage-rules", (await server.TriageAsync("x", agentId: "other")).GetProperty("model").GetString());
        Assert.Equal(0, (await server.GetAsync($"{Deployments}?agent_id=other")).GetProperty("deployments_found").GetInt32());
    }

    [Fact]
    public async Task Without_a_release_the_base_model_serves_and_says_so()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var active = await server.GetAsync($"{Deployments}/active");

        Assert.Equal(
            """{"has_active_deployment":false,"message":"No active tuned model. Using base model.","base_model":"triage-rules"}""",
            active.GetRawText()
        );
    }
}
