using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Experiments;
using AgentLightning.Jobs;
using AgentLightning.Rewards;
using AgentLightning.Tests.Deployments;
using AgentLightning.Tests.Storage;

namespace AgentLightning.Tests.Experiments;

public sealed class ExperimentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_candidate_that_is_better_is_promoted_by_the_watch_and_serves_everybody()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "old", "label");
        var experiment = await StartAsync(product, new ExperimentRules { MinimumSamples = 50 });
        await AnswerAsync(product, experiment.Control, 300, i => i % 2 == 0 ? 1 : -1);
        await AnswerAsync(product, experiment.Variants[1], 150, i => i % 10 == 0 ? -1 : 1);

        Assert.True(await product.Get<JobRunner>().RunDueAsync(product.Get<ExperimentWatch>(), Token));

        var ended = (await product.Get<GetExperiment>().ExecuteAsync(Product.Owner, experiment.Id, Token)).Experiment;
        var active = await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, Deployment.DefaultSlot, Token);
        Assert.Equal((ExperimentStatus.Promoted, "candidate", ExperimentWatch.Actor), (ended.Status, ended.Winner, ended.EndedBy));
        Assert.Contains("candidate is better: candidate +0.800", ended.Reason, StringComparison.Ordinal);
        Assert.Equal(("model-new-label", experiment.Id, false), (active!.TunedModelName, active.ExperimentId, active.IsCandidate));
        var served = await product.Get<IReleaseSelection>().SelectAsync(Product.Agent, "s", Token);
        Assert.Equal((active.Id, null), (served.Release!.Id, served.ExperimentId));
        Assert.False(await product.Get<JobRunner>().RunDueAsync(product.Get<ExperimentWatch>(), Token));
    }

    [Fact]
    public async Task A_candidate_whose_rewards_fall_is_rolled_back_with_the_figures_as_the_reason()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "old", "label");
        var experiment = await StartAsync(product);
        await AnswerAsync(product, experiment.Control, 200, i => i % 5 == 0 ? -1 : 1);
        await AnswerAsync(product, experiment.Variants[1], 60, i => i % 5 == 0 ? 1 : -1);

        await product.Get<ExperimentWatch>().RunAsync(Token);

        var ended = (await product.Get<GetExperiment>().LatestAsync(Product.Owner, null, Deployment.DefaultSlot, Token)).Experiment;
        Assert.Equal((ExperimentStatus.RolledBack, "control"), (ended.Status, ended.Winner));
        Assert.Contains("mean reward is -0.600", ended.Reason, StringComparison.Ordinal);
        Assert.Equal(experiment.Control.DeploymentId, (await ActiveAsync(product))!.Id);
        var audit = await product.Get<IAuditLog>().ListAsync(new AuditQuery(Limit: 10), Token);
        Assert.Equal(
            [AuditAction.ExperimentEnded, AuditAction.ExperimentStarted],
            audit.Where(entry => entry.Subject == experiment.Id).Select(entry => entry.Action)
        );
    }

    [Theory]
    [InlineData("errors", "share of failed episodes")]
    [InlineData("latency", "95th percentile")]
    [InlineData("cost", "costs")]
    public async Task Errors_latency_and_cost_roll_back_without_any_reward(string what, string reason)
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "old", "label");
        var experiment = await StartAsync(product);
        await AnswerAsync(product, experiment.Control, 200, null);
        await AnswerAsync(
            product,
            experiment.Variants[1],
            100,
            null,
            i => what == "errors" && i % 3 == 0,
            what == "latency" ? 500 : 10,
            what == "cost" ? 1_000 : 100
        );

        await product.Get<ExperimentWatch>().RunAsync(Token);

        var ended = (await product.Get<IExperimentStore>().FindAsync(experiment.Id, Token))!;
        Assert.Equal(ExperimentStatus.RolledBack, ended.Status);
        Assert.Contains(reason, ended.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shares_rise_by_steps_while_nothing_is_worse()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "old", "label");
        var experiment = await StartAsync(product, new ExperimentRules { Steps = [10, 50], MinimumSamples = 40 });
        await AnswerAsync(product, experiment.Control, 60, i => i % 2 == 0 ? 1 : -1);
        await AnswerAsync(product, experiment.Variants[1], 30, i => i % 2 == 0 ? 1 : -1);
        await product.Get<ExperimentWatch>().RunAsync(Token);
        Assert.Equal(1, (await product.Get<IExperimentStore>().FindAsync(experiment.Id, Token))!.Phase);

        await AnswerAsync(product, experiment.Variants[1], 20, i => i % 2 == 0 ? 1 : -1, from: 30);
        await product.Get<ExperimentWatch>().RunAsync(Token);

        var stepped = (await product.Get<IExperimentStore>().FindAsync(experiment.Id, Token))!;
        Assert.Equal((2, 0.5, 0.5), (stepped.Phase, stepped.Variants[0].Share, stepped.Variants[1].Share));
        var byHand = await product.Get<StopExperiment>().StepAsync(Product.Owner, new StepExperimentRequest(Product.Agent, 80), Token);
        Assert.Equal((3, 0.8), (byHand.Phase, Math.Round(byHand.Variants[1].Share, 9)));
    }

    [Fact]
    public async Task By_hand_it_is_stopped_or_its_candidate_promoted()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "old", "label");
        var first = await StartAsync(product);
        var stop = product.Get<StopExperiment>();

        var stopped = await stop.ExecuteAsync(Product.Owner, new StopExperimentRequest(Product.Agent, Reason: "holiday"), Token);
        var again = await Assert.ThrowsAsync<LightningException>(() =>
            stop.ExecuteAsync(Product.Owner, new StopExperimentRequest(Product.Agent, first.Id), Token)
        );
        var second = await StartAsync(product, label: "third");
        var wrong = await Assert.ThrowsAsync<LightningException>(() =>
            stop.ExecuteAsync(Product.Owner, new StopExperimentRequest(Product.Agent, Promote: "somebody"), Token)
        );
        var promoted = await stop.ExecuteAsync(
            Product.Owner,
            new StopExperimentRequest(Product.Agent, second.Id, "candidate", "we know better"),
            Token
        );

        Assert.Equal((ExperimentStatus.Stopped, "holiday"), (stopped.Status, stopped.Reason));
        Assert.Equal((ErrorKind.Conflict, $"Experiment {first.Id} is stopped already: holiday."), (again.Kind, again.Message));
        Assert.Contains("has no candidate 'somebody'; it has candidate.", wrong.Message, StringComparison.Ordinal);
        Assert.Equal((ExperimentStatus.Promoted, "candidate"), (promoted.Status, promoted.Winner));
        Assert.Equal("model-third-label", (await ActiveAsync(product))!.TunedModelName);
    }

    [Fact]
    public async Task It_starts_only_beside_a_release_with_runs_that_the_gate_has_passed_and_alone()
    {
        await using var product = await Product.OpenAsync();
        var run = await product.AddRunAsync("new", "label");

        var nothing = await RefusedAsync(product, run.Id, force: true);
        await ReleaseTests.PromoteAsync(product, "old", "label");
        var gate = await RefusedAsync(product, run.Id, force: false);
        var unknown = await RefusedAsync(product, "nobody", force: true);
        await StartAsync(product);
        var second = await RefusedAsync(product, run.Id, force: true);

        Assert.Contains("has no active release in slot 'production' to try against", nothing.Message, StringComparison.Ordinal);
        Assert.Contains($"lightning evaluate --run-id {run.Id}", gate.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.NotFound, unknown.Kind);
        Assert.Contains("lightning experiment stop", second.Message, StringComparison.Ordinal);
        Assert.Equal(
            [ErrorKind.Conflict, ErrorKind.Conflict, ErrorKind.Conflict],
            new[] { nothing, gate, second }.Select(error => error.Kind)
        );
    }

    [Fact]
    public async Task Rules_out_of_range_are_all_named_at_once()
    {
        await using var product = await Product.OpenAsync();

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            StartAsync(
                product,
                new ExperimentRules
                {
                    Steps = [50, 20, 120],
                    MinimumSamples = 1,
                    Alpha = double.NaN,
                    MostDays = 0,
                }
            )
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.All(["steps of", "minimum_samples of", "alpha of", "most_days of", "50, 20, 120"], text =>
            Assert.Contains(text, error.Message, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Another_agents_experiment_is_not_there_and_a_writer_may_not_start_or_stop_one()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "old", "label");
        var experiment = await StartAsync(product);
        var stranger = new Scope("key 1", Role.Admin, ["another"]);
        var writer = new Scope("key 2", Role.Write, null);

        var seen = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<GetExperiment>().ExecuteAsync(stranger, experiment.Id, Token)
        );
        var stopped = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<StopExperiment>().ExecuteAsync(stranger, new StopExperimentRequest(null, experiment.Id), Token)
        );
        var written = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<StopExperiment>().ExecuteAsync(writer, new StopExperimentRequest(null, experiment.Id), Token)
        );

        Assert.Equal(
            [ErrorKind.NotFound, ErrorKind.NotFound, ErrorKind.Forbidden],
            new[] { seen, stopped, written }.Select(error => error.Kind)
        );
    }

    [Fact]
    public async Task A_rollback_after_a_lost_experiment_never_goes_to_its_candidate()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "oldest", "label");
        await ReleaseTests.PromoteAsync(product, "old", "label");
        await StartAsync(product);
        await product.Get<StopExperiment>().ExecuteAsync(Product.Owner, new StopExperimentRequest(Product.Agent), Token);
        await ReleaseTests.PromoteAsync(product, "bad", "label");

        var back = await product.Get<Rollback>().ExecuteAsync(Product.Owner, new RollbackRequest(Product.Agent), Token);

        Assert.Equal("model-old-label", back.TunedModelName);
    }

    internal static async Task<Experiment> StartAsync(Product product, ExperimentRules? rules = null, string label = "new")
    {
        var run = await product.AddRunAsync(label, "label");
        return await product
            .Get<StartExperiment>()
            .ExecuteAsync(
                Product.Owner,
                new StartExperimentRequest(Product.Agent, [run.Id], rules ?? new ExperimentRules(), "me", Force: true),
                Token
            );
    }

    private static Task<LightningException> RefusedAsync(Product product, string runId, bool force) =>
        Assert.ThrowsAsync<LightningException>(() =>
            product
                .Get<StartExperiment>()
                .ExecuteAsync(Product.Owner, new StartExperimentRequest(Product.Agent, [runId], new ExperimentRules(), Force: force), Token)
        );

    private static Task<Deployment?> ActiveAsync(Product product) =>
        product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, Deployment.DefaultSlot, Token);

    private static async Task AnswerAsync(
        Product product,
        ExperimentVariant variant,
        int count,
        Func<int, double>? reward,
        Func<int, bool>? failed = null,
        double latencyMs = 10,
        int tokens = 100,
        int from = 0
    )
    {
        var indices = Enumerable.Range(from, count).ToList();
        await product
            .Get<IEpisodeStore>()
            .AddAsync(
                [
                    .. indices.Select(i => new Episode
                    {
                        Id = $"{variant.Name}-{i}",
                        AgentId = Product.Agent,
                        UserInput = "question",
                        AssistantOutput = "answer",
                        DeploymentId = variant.DeploymentId,
                        RequestLatencyMs = latencyMs + (i % 7),
                        Status = failed?.Invoke(i) == true ? EpisodeStatus.Failed : EpisodeStatus.Succeeded,
                        TokenUsage = new TokenUsage(tokens, tokens / 10, tokens + (tokens / 10)),
                        CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
                    }),
                ],
                Token
            );
        if (reward is not null)
        {
            await product
                .Get<IRewardStore>()
                .AddAsync(
                    [
                        .. indices.Select(i => new Reward
                        {
                            Id = $"reward-{variant.Name}-{i}",
                            EpisodeId = $"{variant.Name}-{i}",
                            AgentId = Product.Agent,
                            Source = RewardSource.HumanApproval,
                            Value = reward(i),
                            CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
                        }),
                    ],
                    Token
                );
        }
    }
}
