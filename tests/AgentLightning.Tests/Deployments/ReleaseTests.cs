using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Evaluation;
using AgentLightning.Tests.Storage;
using AgentLightning.Training;

namespace AgentLightning.Tests.Deployments;

public sealed class ReleaseTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rollback_walks_back_to_good_releases_and_never_ping_pongs()
    {
        await using var product = await Product.OpenAsync();
        var releases = new Releases(product);
        await releases.PromoteBaseAsync("triage-rules");
        var good = await PromoteAsync(product, "good", "label");
        var bad = await PromoteAsync(product, "bad", "label");

        var first = await releases.RollbackAsync("worse answers");
        var second = await releases.RollbackAsync("still worse");
        var third = await Assert.ThrowsAsync<LightningException>(() => releases.RollbackAsync("again"));

        Assert.Equal(
            (good.TunedModelName, bad.Id, "worse answers", true),
            (first.TunedModelName, first.RollbackFrom, first.RollbackReason, first.IsActive)
        );
        Assert.Equal(("triage-rules", first.Id), (second.TunedModelName, second.RollbackFrom));
        Assert.Equal((ErrorKind.Conflict, "No previous deployment to roll back to"), (third.Kind, third.Message));
        Assert.Equal(second, await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token));
    }

    [Fact]
    public async Task A_model_that_was_promoted_again_after_a_rollback_counts_as_good_again()
    {
        await using var product = await Product.OpenAsync();
        var releases = new Releases(product);
        await releases.PromoteBaseAsync("triage-rules");
        var model = await PromoteAsync(product, "one", "label");
        await releases.RollbackAsync("too early");
        await releases.PromoteAsync(model.TrainingRunId!, force: true);
        await PromoteAsync(product, "two", "label");

        var back = await releases.RollbackAsync("worse");

        Assert.Equal(model.TunedModelName, back.TunedModelName);
    }

    [Fact]
    public async Task A_named_target_is_released_again()
    {
        await using var product = await Product.OpenAsync();
        var releases = new Releases(product);
        var oldest = await PromoteAsync(product, "one", "label");
        await PromoteAsync(product, "two", "label");
        await PromoteAsync(product, "three", "label");

        var back = await releases.RollbackAsync("known good", oldest.Id);

        Assert.Equal(oldest.TunedModelName, back.TunedModelName);
    }

    [Fact]
    public async Task Nothing_is_promoted_that_the_gate_has_not_passed_unless_it_is_forced_and_recorded()
    {
        await using var product = await Product.OpenAsync();
        var releases = new Releases(product);
        var run = await product.AddRunAsync("a", "b");

        var error = await Assert.ThrowsAsync<LightningException>(() => releases.PromoteAsync(run.Id, force: false));
        var forced = await releases.PromoteAsync(run.Id, force: true);

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Contains("never evaluated", error.Message, StringComparison.Ordinal);
        Assert.True(forced.Forced);
    }

    [Fact]
    public async Task A_run_that_the_gate_passed_is_promoted_with_its_evidence()
    {
        await using var product = await Product.OpenAsync();
        var run = await product.AddRunAsync("a", "b");
        await EvaluateAsync(product, run, passed: true);

        var release = await new Releases(product).PromoteAsync(run.Id, force: false);
        var lineage = (await product.Get<GetLineage>().ExecuteAsync(Product.Owner, null, Token)).Entries;

        Assert.False(release.Forced);
        var entry = Assert.Single(lineage);
        Assert.Equal(
            (release.Id, run.Id, run.DatasetId, true),
            (entry.DeploymentId, entry.TrainingRun!.Id, entry.Dataset!.Id, entry.Evaluation!.Passed)
        );
    }

    [Fact]
    public async Task An_evaluation_against_what_no_longer_serves_is_no_evidence()
    {
        await using var product = await Product.OpenAsync();
        var run = await product.AddRunAsync("a", "b");
        await EvaluateAsync(product, run, passed: true);
        await PromoteAsync(product, "meanwhile", "label");

        var error = await Assert.ThrowsAsync<LightningException>(() => new Releases(product).PromoteAsync(run.Id, force: false));

        Assert.Contains("compared with 'rules', but 'model-meanwhile-label' serves now", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_whose_content_was_changed_is_not_promoted_and_the_active_release_stays()
    {
        await using var product = await Product.OpenAsync();
        var active = await PromoteAsync(product, "one", "label");
        var run = await product.AddRunAsync("two", "label");
        await File.AppendAllTextAsync(product.ArtifactPath(run.Artifact!), " ", Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => new Releases(product).PromoteAsync(run.Id, force: true));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Equal(active, await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token));
    }

    [Theory]
    [InlineData(TrainingStatus.Failed)]
    [InlineData(TrainingStatus.Cancelled)]
    public async Task Only_a_succeeded_run_is_promoted(TrainingStatus status)
    {
        await using var product = await Product.OpenAsync();
        var run = await product.AddRunAsync("a", "b");
        var other = run with { Id = "other", Status = status };
        await product.Get<ITrainingRunStore>().AddAsync(other, Token);
        await product.Get<ITrainingRunStore>().TryMoveAsync(other, Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => new Releases(product).PromoteAsync("other", force: true));

        Assert.Contains(EnumText.Of(status), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_run_of_another_agent_is_not_found()
    {
        await using var product = await Product.OpenAsync();
        var run = await product.AddRunAsync("a", "b");

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            new Releases(product).PromoteAsync(run.Id, force: true, agentId: "somebody")
        );

        Assert.Equal(ErrorKind.NotFound, error.Kind);
    }

    [Fact]
    public async Task Promoting_what_is_active_already_is_refused()
    {
        await using var product = await Product.OpenAsync();
        var release = await PromoteAsync(product, "one", "label");

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            new Releases(product).PromoteAsync(release.TrainingRunId!, force: true)
        );

        Assert.Contains("already active", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_an_admin_for_the_agent_promotes_and_rolls_back()
    {
        await using var product = await Product.OpenAsync();
        var run = await product.AddRunAsync("a", "b");
        var (reader, writer) = (new Scope("key 1", Role.Read, null), new Scope("key 2", Role.Write, null));
        var stranger = new Scope("key 3", Role.Admin, ["another"]);

        foreach (var scope in new[] { reader, writer, stranger })
        {
            var promoted = await Assert.ThrowsAsync<LightningException>(() =>
                product.Get<Promote>().ExecuteAsync(scope, new PromoteRequest(Product.Agent, run.Id, Force: true), Token)
            );
            var rolledBack = await Assert.ThrowsAsync<LightningException>(() =>
                product.Get<Rollback>().ExecuteAsync(scope, new RollbackRequest(Product.Agent), Token)
            );
            Assert.Equal((ErrorKind.Forbidden, ErrorKind.Forbidden), (promoted.Kind, rolledBack.Kind));
        }

        // A run of another agent is not found under the agent of the scope, however it is named.
        var other = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<Promote>().ExecuteAsync(stranger, new PromoteRequest(null, run.Id, Force: true), Token)
        );
        Assert.Equal(ErrorKind.NotFound, other.Kind);
        Assert.Equal(0, await product.Get<IDeploymentStore>().CountAsync(null, Token));
    }

    [Fact]
    public async Task A_release_of_another_agent_is_not_found()
    {
        await using var product = await Product.OpenAsync();
        var release = await PromoteAsync(product, "one", "label");
        var get = product.Get<GetDeployment>();

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            get.ExecuteAsync(new Scope("key 1", Role.Read, ["another"]), release.Id, Token)
        );

        Assert.Equal((ErrorKind.NotFound, $"Release {release.Id} not found."), (error.Kind, error.Message));
        Assert.Equal(release, await get.ExecuteAsync(new Scope("key 2", Role.Read, [Product.Agent]), release.Id, Token));
    }

    internal static async Task<Deployment> PromoteAsync(Product product, params string[] labels)
    {
        var run = await product.AddRunAsync(labels);
        return await new Releases(product).PromoteAsync(run.Id, force: true);
    }

    private static Task EvaluateAsync(Product product, TrainingRun run, bool passed)
    {
        var comparison = PairedComparison.Of(["a", "b"], ["a", "a"], ["a", "b"], 1);
        return product
            .Get<IEvaluationStore>()
            .AddAsync(
                new EvaluationRecord(
                    "evaluation",
                    Product.Agent,
                    run.Id,
                    run.DatasetId,
                    "rules",
                    null,
                    run.TunedModelName!,
                    comparison,
                    new GateVerdict(passed, "because"),
                    DateTimeOffset.UnixEpoch
                ),
                Token
            );
    }

    /// <summary>The operations, asked by who may do everything.</summary>
    private sealed class Releases(Product product)
    {
        public Task<Deployment> PromoteBaseAsync(string model) =>
            product.Get<PromoteBase>().ExecuteAsync(Product.Owner, new PromoteBaseRequest(Product.Agent, model), Token);

        public Task<Deployment> PromoteAsync(string runId, bool force, string agentId = Product.Agent) =>
            product.Get<Promote>().ExecuteAsync(Product.Owner, new PromoteRequest(agentId, runId, "me", force), Token);

        public Task<Deployment> RollbackAsync(string reason, string? targetId = null) =>
            product.Get<Rollback>().ExecuteAsync(Product.Owner, new RollbackRequest(Product.Agent, targetId, reason, "me"), Token);
    }
}
