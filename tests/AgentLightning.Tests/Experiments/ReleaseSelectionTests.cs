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
        Unanswered(selection, sessions);
        // The first look of the notices tells once more of what is known, whenever it comes.
        var allocated = long.MaxValue;
        for (var round = 0; round < 20 && allocated > 0; round++)
        {
            await selection.SelectAsync(Product.Agent, sessions[0], Token);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var unanswered = Unanswered(selection, sessions);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before + unanswered;
        }

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
        Assert.True(selection.Knows(Product.Agent, Deployment.DefaultSlot));
        Assert.Equal(release.Id, (await selection.SelectAsync(Product.Agent, null, Deployment.DefaultSlot, Token)).Release!.Id);
    }

    [Fact]
    public async Task However_many_ask_after_a_change_it_is_read_once_and_all_get_what_is_new()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "one", "label");
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
        // The first look of the notices tells of everything once more.
        await Task.Yield();
        var second = await ReleaseTests.PromoteAsync(product, "two", "label");
        var before = store.Reads;

        var served = await Task.WhenAll(
            Enumerable.Range(0, 20_000).Select(i => selection.SelectAsync(Product.Agent, $"s{i}", Deployment.DefaultSlot, Token).AsTask())
        );

        Assert.All(served, one => Assert.Equal(second.Id, one.Release!.Id));
        Assert.InRange(store.Reads - before, 1, 5);
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
        private int _reads;

        public bool Away { get; set; }

        /// <summary>How often it was asked for an active release.</summary>
        public int Reads => Volatile.Read(ref _reads);

        public Task<Deployment?> FindActiveAsync(string agentId, string slot, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _reads);
            return Away
                ? throw new LightningException(ErrorKind.Unavailable, "away")
                : inner.FindActiveAsync(agentId, slot, cancellationToken);
        }

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
