using AgentLightning.Evaluation;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class EvaluationStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    [Fact]
    public async Task The_newest_evaluation_of_a_run_counts_and_all_are_kept()
    {
        await AddDatasetAsync();
        await AddRunAsync("r1");
        var comparison = PairedComparison.Of(["a", "b", "a"], ["a", "a", "a"], ["a", "b", "a"], seed: 1);
        var first = new EvaluationRecord(
            "v1",
            "agent",
            "r1",
            "data",
            "rules",
            null,
            "model",
            comparison,
            new GateVerdict(false, "why not"),
            Noon
        );
        var second = first with { Id = "v2", Verdict = new GateVerdict(true, "why"), CreatedAt = Noon.AddMinutes(1) };
        var store = Get<IEvaluationStore>();
        await store.AddAsync(second, Token);
        await store.AddAsync(first, Token);

        Assert.Equal(second, await store.FindLatestAsync("r1", Token));
        Assert.Equal(first, await store.FindAsync("v1", Token));
        Assert.Null(await store.FindLatestAsync("r2", Token));
        Assert.Equal(["v2", "v1"], (await store.ListAsync("agent", null, 10, null, Token)).Select(evaluation => evaluation.Id));
        Assert.Equal("v1", Assert.Single(await store.ListAsync("agent", "r1", 10, "v2", Token)).Id);
        Assert.Empty(await store.ListAsync("agent", "r2", 10, null, Token));
        Assert.Empty(await store.ListAsync("other", null, 10, null, Token));
    }

    [Fact]
    public async Task Detail_and_errors_of_an_evaluation_come_back()
    {
        await AddDatasetAsync();
        await AddRunAsync("r1");
        var comparison = PairedComparison.OfScores("exact_match", [1, 0, 1], [1, 1, 0], 1, 0.05);
        var item = new ItemScore("k", ["e1"], "given", null, 1, 0);
        var evaluation = new EvaluationRecord(
            "v1",
            "agent",
            "r1",
            "data",
            "rules",
            "d1",
            "model",
            comparison,
            new EvaluationGate(new EvaluationGateOptions()).Judge(comparison, 3),
            Noon
        )
        {
            Detail = new EvaluationDetail("exact_match", [new SliceScore("s", 3, 0.5, 0.25)], 1, 1, [item], [item], 0, 1, "why"),
        };

        await Get<IEvaluationStore>().AddAsync(evaluation, Token);

        Assert.Equivalent(evaluation, await Get<IEvaluationStore>().FindAsync("v1", Token), strict: true);
    }

    [Fact]
    public async Task Every_look_at_a_held_out_set_has_its_own_number_on_whichever_server_it_is_taken()
    {
        await AddDatasetAsync();
        await AddDatasetAsync("other", "other");
        var there = (await Engine.OpenAsync()).GetRequiredService<IEvaluationStore>();
        var here = Get<IEvaluationStore>();

        var looks = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => Task.Run(() => (i % 2 == 0 ? here : there).TakeLookAsync("data", Token)))
        );

        Assert.Equal(Enumerable.Range(1, 20).Select(i => (long)i), looks.Order());
        Assert.Equal(1, await here.TakeLookAsync("other", Token));
    }
}
