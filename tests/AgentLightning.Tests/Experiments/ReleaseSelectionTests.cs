using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Experiments;
using AgentLightning.Tests.Deployments;
using AgentLightning.Tests.Storage;

namespace AgentLightning.Tests.Experiments;

public sealed class ReleaseSelectionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_variant_is_chosen_without_allocating()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "one", "label");
        await ExperimentTests.StartAsync(product);
        var selection = product.Get<IReleaseSelection>();
        string[] sessions = [.. Enumerable.Range(0, 200).Select(i => $"session-{i}-ü")];
        await selection.SelectAsync(Product.Agent, sessions[0], Token);
        Assert.Equal(0, Unanswered(selection, sessions));
        Unanswered(selection, sessions);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Unanswered(selection, sessions);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
    }

    [Fact]
    public async Task Names_of_agents_that_nobody_knows_do_not_fill_the_memory_and_do_not_push_out_what_serves()
    {
        await using var product = await Product.OpenAsync();
        var release = await ReleaseTests.PromoteAsync(product, "one", "label");
        var selection = (ReleaseSelection)product.Get<IReleaseSelection>();
        await selection.SelectAsync(Product.Agent, null, Deployment.DefaultSlot, Token);

        for (var i = 0; i < ReleaseSelection.Most + 700; i++)
        {
            Assert.Null((await selection.SelectAsync($"nobody-{i}", null, Deployment.DefaultSlot, Token)).Release);
        }

        Assert.InRange(selection.Count, 1, ReleaseSelection.Most);
        var asked = selection.SelectAsync(Product.Agent, null, Deployment.DefaultSlot, Token);
        var atOnce = asked.IsCompleted;
        Assert.Equal((true, release.Id), (atOnce, (await asked).Release!.Id));
    }

    [Fact]
    public async Task What_was_answered_last_goes_on_serving_while_the_store_is_away()
    {
        await using var product = await Product.OpenAsync();
        var release = await ReleaseTests.PromoteAsync(product, "one", "label");
        var store = new AwayStore(product.Get<IDeploymentStore>());
        await using var exposures = new Exposures(
            product.Get<IExperimentStore>(),
            TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Exposures>.Instance
        );
        using var selection = new ReleaseSelection(
            store,
            product.Get<IExperimentStore>(),
            exposures,
            product.Get<AgentLightning.Storage.IChangeNotices>()
        );
        await selection.SelectAsync(Product.Agent, null, Deployment.DefaultSlot, Token);
        await ReleaseTests.PromoteAsync(product, "two", "label");

        store.Away = true;
        var served = await selection.SelectAsync(Product.Agent, null, Deployment.DefaultSlot, Token);
        var unknown = await Assert.ThrowsAsync<LightningException>(async () =>
            await selection.SelectAsync("never asked", null, Deployment.DefaultSlot, Token)
        );
        store.Away = false;
        var later = await selection.SelectAsync(Product.Agent, null, Deployment.DefaultSlot, Token);

        Assert.Equal((release.Id, ErrorKind.Unavailable), (served.Release!.Id, unknown.Kind));
        Assert.NotEqual(release.Id, later.Release!.Id);
    }

    /// <summary>Asks for each session; gives how many were not answered at once, by a variant.</summary>
    private static int Unanswered(IReleaseSelection selection, string[] sessions)
    {
        var unanswered = 0;
        foreach (var session in sessions)
        {
            var asked = selection.SelectAsync(Product.Agent, session, Token);
            unanswered += asked.IsCompletedSuccessfully && asked.Result.Variant is not null ? 0 : 1;
        }

        return unanswered;
    }

    /// <summary>A store behind a network that is cut.</summary>
    private sealed class AwayStore(IDeploymentStore inner) : IDeploymentStore
    {
        public bool Away { get; set; }

        public Task<Deployment?> FindActiveAsync(string agentId, string slot, CancellationToken cancellationToken) =>
            Away ? throw new LightningException(ErrorKind.Unavailable, "away") : inner.FindActiveAsync(agentId, slot, cancellationToken);

        public Task<Deployment> ActivateAsync(Deployment deployment, string? expectedActiveId, CancellationToken cancellationToken) =>
            inner.ActivateAsync(deployment, expectedActiveId, cancellationToken);

        public Task<IReadOnlyList<Deployment>> ActivateAsync(
            Deployment control,
            IReadOnlyList<Deployment> candidates,
            string expectedActiveId,
            CancellationToken cancellationToken
        ) => inner.ActivateAsync(control, candidates, expectedActiveId, cancellationToken);

        public Task<Deployment> DeactivateAsync(
            Deployment active,
            string? reason,
            DateTimeOffset at,
            CancellationToken cancellationToken
        ) => inner.DeactivateAsync(active, reason, at, cancellationToken);

        public Task<Deployment?> FindAsync(string id, CancellationToken cancellationToken) => inner.FindAsync(id, cancellationToken);

        public Task<IReadOnlyList<Deployment>> ListAsync(
            string? agentId,
            string? slot,
            int limit,
            string? before,
            CancellationToken cancellationToken
        ) => inner.ListAsync(agentId, slot, limit, before, cancellationToken);

        public Task<IReadOnlyList<Deployment>> OfRunsAsync(IReadOnlyList<string> runIds, CancellationToken cancellationToken) =>
            inner.OfRunsAsync(runIds, cancellationToken);

        public Task<long> CountAsync(string? agentId, CancellationToken cancellationToken) => inner.CountAsync(agentId, cancellationToken);
    }
}
