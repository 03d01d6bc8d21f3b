using System.Net;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class EvaluationTests(TrainedStore store)
{
    private const string Evaluations = "/api/lightning/evaluations";

    [Fact]
    public async Task A_run_is_evaluated_against_what_serves_and_can_then_be_promoted()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        var evaluation = await server.PostAsync(Evaluations, new { run_id = store.UnprovenRun });
        var same = await server.GetAsync($"{Evaluations}/{evaluation.GetProperty("id").GetString()}");
        var list = await server.GetAsync($"{Evaluations}?run_id={store.UnprovenRun}");
        var release = await server.PostAsync("/api/lightning/deployments", new { run_id = store.UnprovenRun });

        var verdict = evaluation.GetProperty("verdict");
        Assert.Equal("passed", verdict.GetProperty("outcome").GetString());
        Assert.Equal("triage-rules", evaluation.GetProperty("baseline_model").GetString());
        // Three evaluations made the store: this is the fourth look at the same held-out rows.
        Assert.Equal(4, verdict.GetProperty("errors").GetProperty("look").GetInt32());
        Assert.Equal(evaluation.ToString(), same.ToString());
        Assert.Equal(1, list.GetProperty("evaluations_found").GetInt32());
        Assert.False(release.GetProperty("forced").GetBoolean());
    }

    [Fact]
    public async Task What_cannot_be_evaluated_is_refused_with_the_reason()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        Assert.Contains(
            "nobody",
            await server.RefusedAsync(HttpStatusCode.NotFound, Evaluations, new { run_id = "nobody" }),
            StringComparison.Ordinal
        );
        Assert.Contains("run_id", await server.RefusedAsync(HttpStatusCode.BadRequest, Evaluations, new { }), StringComparison.Ordinal);
        Assert.Contains(
            "metric must be one of macro_f1, accuracy",
            await server.RefusedAsync(HttpStatusCode.BadRequest, Evaluations, new { run_id = store.GoodRun, metric = "bleu" }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "there is no grader of type 'nothing'",
            await server.RefusedAsync(
                HttpStatusCode.BadRequest,
                Evaluations,
                new { run_id = store.GoodRun, grader = new { type = "nothing" } }
            ),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_grader_of_the_training_environments_judges_too()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        var evaluation = await server.PostAsync(
            Evaluations,
            new
            {
                run_id = store.GoodRun,
                grader = new
                {
                    type = "string_check",
                    name = "right",
                    input = "{{sample.output_text}}",
                    reference = "{{item.reference_answer}}",
                    operation = "eq",
                },
            }
        );

        Assert.Equal("right", evaluation.GetProperty("detail").GetProperty("metric").GetString());
        Assert.True(evaluation.GetProperty("comparison").GetProperty("difference").GetProperty("value").GetDouble() > 0.1);
    }
}
