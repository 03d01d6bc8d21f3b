using System.Net;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class ExperimentTests(TrainedStore store)
{
    private const string Experiments = "/api/lightning/experiments";

    [Fact]
    public async Task Sessions_are_split_stay_where_they_are_and_all_come_back_when_it_is_stopped()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync("/api/lightning/deployments", new { model = "triage-rules" });

        var experiment = await server.PostAsync(Experiments, new { run_id = store.GoodRun, split = 40 });
        var served = new Dictionary<string, string?>();
        for (var i = 0; i < 60; i++)
        {
            served[$"s{i}"] = await ServedAsync($"s{i}");
        }

        var again = await ServedAsync("s7");
        var status = await server.GetAsync($"{Experiments}/status");
        var variants = experiment.GetProperty("variants").EnumerateArray().ToList();
        string? Release(int i) => variants[i].GetProperty("deployment_id").GetString();
        var candidates = served.Values.Count(release => release == Release(1));
        Assert.InRange(candidates, 12, 38);
        Assert.Equal(60 - candidates, served.Values.Count(release => release == Release(0)));
        Assert.Equal(served["s7"], again);
        Assert.Equal("running", status.GetProperty("experiment").GetProperty("status").GetString());
        Assert.Equal("wait", status.GetProperty("decision").GetProperty("action").GetString());

        var stopped = await server.PostAsync($"{Experiments}/stop", new { reason = "enough" });

        Assert.Equal("stopped", stopped.GetProperty("status").GetString());
        Assert.Equal("enough", stopped.GetProperty("reason").GetString());
        foreach (var session in served.Keys)
        {
            Assert.Equal(Release(0), await ServedAsync(session));
        }

        async Task<string?> ServedAsync(string session) =>
            (await server.PostAsync("/api/lightning/triage", new { comment = store.TellingText, session_id = session }))
                .GetProperty("deployment_id")
                .GetString();
    }

    [Fact]
    public async Task The_candidate_is_given_more_and_then_everybody_by_hand()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync("/api/lightning/deployments", new { model = "triage-rules" });
        await server.PostAsync(Experiments, new { run_id = store.GoodRun });

        var stepped = await server.PostAsync($"{Experiments}/step", new { percent = 70 });
        var promoted = await server.PostAsync($"{Experiments}/stop", new { promote = "candidate" });

        Assert.Equal(2, stepped.GetProperty("phase").GetInt32());
        Assert.Equal(0.7, stepped.GetProperty("variants")[1].GetProperty("share").GetDouble(), 1e-9);
        Assert.Equal("promoted", promoted.GetProperty("status").GetString());
        var active = await server.GetAsync("/api/lightning/deployments/active");
        Assert.Equal(store.GoodRun, active.GetProperty("training_run_id").GetString());
        Assert.Equal(1, (await server.GetAsync(Experiments)).GetProperty("experiments_found").GetInt32());
    }

    [Fact]
    public async Task What_cannot_be_tried_is_refused_with_the_fix()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        Assert.Contains(
            "lightning promote --model NAME",
            await RefusedAsync(HttpStatusCode.Conflict, new { run_id = store.GoodRun }),
            StringComparison.Ordinal
        );
        await server.PostAsync("/api/lightning/deployments", new { model = "triage-rules" });
        Assert.Contains(
            "lightning evaluate",
            await RefusedAsync(HttpStatusCode.Conflict, new { run_id = store.UnprovenRun }),
            StringComparison.Ordinal
        );
        Assert.Contains("run_id", await RefusedAsync(HttpStatusCode.BadRequest, new { }), StringComparison.Ordinal);
        Assert.Contains(
            "steps of an experiment",
            await RefusedAsync(HttpStatusCode.BadRequest, new { run_id = store.GoodRun, split = 120 }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "No experiment of agent 'triage' runs",
            await server.RefusedAsync(HttpStatusCode.Conflict, $"{Experiments}/stop", new { }),
            StringComparison.Ordinal
        );

        Task<string> RefusedAsync(HttpStatusCode status, object body) => server.RefusedAsync(status, Experiments, body);
    }

    [Fact]
    public async Task A_deactivated_release_leaves_the_base_model_and_a_list_goes_on_where_its_page_ended()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync("/api/lightning/deployments", new { model = "triage-rules" });
        await server.PostAsync("/api/lightning/deployments", new { run_id = store.GoodRun });

        var left = await server.PostAsync("/api/lightning/deployments/deactivate", new { reason = "holiday" });
        var nothing = await server.PostAsync("/api/lightning/deployments/deactivate", new { });

        Assert.Equal("Tuned model deactivated. Now using base model.", left.GetProperty("message").GetString());
        Assert.Equal(("triage-rules", "holiday"), (left.GetProperty("base_model").GetString(), left.GetProperty("reason").GetString()));
        Assert.Equal(JsonValueKind.Null, nothing.GetProperty("deployment_id").ValueKind);
        Assert.False((await server.GetAsync("/api/lightning/deployments/active")).GetProperty("has_active_deployment").GetBoolean());
        using var page = await server.Http.GetAsync("/api/lightning/deployments?limit=1");
        var next = Assert.Single(page.Headers.GetValues("Link"));
        var second = await server.GetAsync(
            next[(next.IndexOf('<', StringComparison.Ordinal) + 1)..next.IndexOf('>', StringComparison.Ordinal)]
        );
        Assert.Equal("triage-rules", second.GetProperty("deployments")[0].GetProperty("tuned_model_name").GetString());
    }
}
