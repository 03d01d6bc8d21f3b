using AgentLightning.Evaluation;

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
    }
}
