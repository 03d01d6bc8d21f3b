using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Evaluation;
using AgentLightning.Tests.Storage;
using AgentLightning.Training;

namespace AgentLightning.Tests.Deployments;

public sealed class DeploymentServiceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rollback_walks_back_to_good_releases_and_never_ping_pongs()
    {
        await using var product = await Product.OpenAsync();
        var service = product.Get<DeploymentService>();
        await service.PromoteBaseAsync(Product.Agent, "triage-rules", null, "test", Token);
        var good = await PromoteAsync(product, "good", "label");
        var bad = await PromoteAsync(product, "bad", "label");

        var first = await service.RollbackAsync(Product.Agent, "worse answers", "me", Token);
        var second = await service.RollbackAsync(Product.Agent, "still worse", "me", Token);
        var third = await Assert.ThrowsAsync<LightningException>(() => service.RollbackAsync(Product.Agent, "again", "me", Token));

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
        var service = product.Get<DeploymentService>();
        await service.PromoteBaseAsync(Product.Agent, "triage-rules", null, "test", Token);
        var model = await PromoteAsync(product, "one", "label");
        await service.RollbackAsync(Product.Agent, "too early", "me", Token);
        await service.PromoteAsync(Product.Agent, model.TrainingRunId!, "me", force: true, Token);
        await PromoteAsync(product, "two", "label");

        var back = await service.RollbackAsync(Product.Agent, "worse", "me", Token);

        Assert.Equal(model.TunedModelName, back.TunedModelName);
    }

    [Fact]
    public async Task A_named_target_is_released_again()
    {
        await using var product = await Product.OpenAsync();
        var service = product.Get<DeploymentService>();
        var oldest = await PromoteAsync(product, "one", "label");
        await PromoteAsync(product, "two", "label");
        await PromoteAsync(product, "three", "label");

        var back = await service.RollbackAsync(Product.Agent, "known good", "me", Token, targetId: oldest.Id);

        Assert.Equal(oldest.TunedModelName, back.TunedModelName);
    }

    [Fact]
    public async Task Nothing_is_promoted_that_the_gate_has_not_passed_unless_it_is_forced_and_recorded()
    {
        await using var product = await Product.OpenAsync();
        var service = product.Get<DeploymentService>();
        var run = await product.AddRunAsync("a", "b");

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            service.PromoteAsync(Product.Agent, run.Id, "me", force: false, Token)
        );
        var forced = await service.PromoteAsync(Product.Agent, run.Id, "me", force: true, Token);

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

        var release = await product.Get<DeploymentService>().PromoteAsync(Product.Agent, run.Id, "me", force: false, Token);
        var lineage = await product.Get<LineageReader>().ReadAsync(Product.Agent, 10, Token);

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

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<DeploymentService>().PromoteAsync(Product.Agent, run.Id, "me", force: false, Token)
        );

        Assert.Contains("compared with 'rules', but 'model-meanwhile-label' serves now", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_whose_content_was_changed_is_not_promoted_and_the_active_release_stays()
    {
        await using var product = await Product.OpenAsync();
        var active = await PromoteAsync(product, "one", "label");
        var run = await product.AddRunAsync("two", "label");
        await File.AppendAllTextAsync(product.ArtifactPath(run.Artifact!), " ", Token);

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<DeploymentService>().PromoteAsync(Product.Agent, run.Id, "me", force: true, Token)
        );

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

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<DeploymentService>().PromoteAsync(Product.Agent, "other", "me", force: true, Token)
        );

        Assert.Contains(EnumText.Of(status), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_run_of_another_agent_is_not_found()
    {
        await using var product = await Product.OpenAsync();
        var run = await product.AddRunAsync("a", "b");

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<DeploymentService>().PromoteAsync("somebody", run.Id, "me", force: true, Token)
        );

        Assert.Equal(ErrorKind.NotFound, error.Kind);
    }

    [Fact]
    public async Task Promoting_what_is_active_already_is_refused()
    {
        await using var product = await Product.OpenAsync();
        var release = await PromoteAsync(product, "one", "label");

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<DeploymentService>().PromoteAsync(Product.Agent, release.TrainingRunId!, "me", force: true, Token)
        );

        Assert.Contains("already active", error.Message, StringComparison.Ordinal);
    }

    internal static async Task<Deployment> PromoteAsync(Product product, params string[] labels)
    {
        var run = await product.AddRunAsync(labels);
        return await product.Get<DeploymentService>().PromoteAsync(Product.Agent, run.Id, "test", force: true, Token);
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
}
