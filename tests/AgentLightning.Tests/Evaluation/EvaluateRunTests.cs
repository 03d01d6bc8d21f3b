using System.Text;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Evaluation;
using AgentLightning.Storage;
using AgentLightning.Tests.Deployments;
using AgentLightning.Tests.Storage;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Evaluation;

public sealed class EvaluateRunTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_better_candidate_is_promoted_on_its_evaluation_and_the_evaluation_tells_where_it_is_better()
    {
        await using var product = await OpenAsync(new Answers("tuned", _ => true), new Answers("old", i => i % 3 != 0));
        await product.Get<PromoteBase>().ExecuteAsync(Product.Owner, new PromoteBaseRequest(Product.Agent, "old"), Token);
        var run = await AddRunAsync(product, 300, slices: true);

        var evaluation = await EvaluateAsync(product, run);
        var release = await PromoteAsync(product, run);

        Assert.Equal((GateOutcome.Passed, "token_f1"), (evaluation.Verdict.Outcome, evaluation.Detail!.Metric));
        Assert.Equal((100, 0, 20), (evaluation.Detail.BetterCount, evaluation.Detail.WorseCount, evaluation.Detail.Better.Count));
        Assert.Equal(["even", "odd"], evaluation.Detail.Slices.Select(slice => slice.Name));
        Assert.All(evaluation.Detail.Slices, slice => Assert.Equal((150, 1), (slice.Count, slice.Candidate)));
        Assert.Equal((evaluation.Id, false), (release.EvaluationId, release.Forced));
        var item = evaluation.Detail.Better[0];
        Assert.Equal(("wrong", $"right answer {item.Key[4..]}"), (item.BaselineAnswer, item.CandidateAnswer));
    }

    [Fact]
    public async Task A_worse_candidate_is_not_promoted_unless_it_is_forced_and_then_the_reason_is_recorded()
    {
        await using var product = await OpenAsync(new Answers("tuned", i => i % 2 == 0), new Answers("old", _ => true));
        await product.Get<PromoteBase>().ExecuteAsync(Product.Owner, new PromoteBaseRequest(Product.Agent, "old"), Token);
        var run = await AddRunAsync(product, 200);

        var evaluation = await EvaluateAsync(product, run);
        var error = await Assert.ThrowsAsync<LightningException>(() => PromoteAsync(product, run));
        var forced = await product
            .Get<Promote>()
            .ExecuteAsync(Product.Owner, new PromoteRequest(Product.Agent, run.Id, Force: true, ForceReason: "it is much cheaper"), Token);

        Assert.Equal(GateOutcome.Worse, evaluation.Verdict.Outcome);
        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Contains("it is worse", error.Message, StringComparison.Ordinal);
        Assert.Equal((true, "it is much cheaper"), (forced.Forced, forced.ForceReason));
    }

    [Fact]
    public async Task An_equal_candidate_passes_where_enough_items_say_so_and_on_few_the_verdict_is_that_they_are_too_few()
    {
        await using var product = await OpenAsync(new Answers("tuned", i => i % 4 != 0), new Answers("old", i => i % 4 != 0));
        await product.Get<PromoteBase>().ExecuteAsync(Product.Owner, new PromoteBaseRequest(Product.Agent, "old"), Token);

        var many = await EvaluateAsync(product, await AddRunAsync(product, 400));
        var few = await AddRunAsync(product, 60);
        var small = await EvaluateAsync(product, few);
        var error = await Assert.ThrowsAsync<LightningException>(() => PromoteAsync(product, few));

        Assert.Equal((GateOutcome.Passed, 0), (many.Verdict.Outcome, many.Detail!.BetterCount + many.Detail.WorseCount));
        Assert.Equal(GateOutcome.TooSmall, small.Verdict.Outcome);
        Assert.Contains("too small to tell", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_candidate_crashes_on_counts_as_wrong_and_is_said()
    {
        await using var product = await OpenAsync(
            new Answers("tuned", i => i % 5 == 0 ? throw new InvalidDataException($"no words for {i}") : true),
            new Answers("old", _ => true)
        );
        await product.Get<PromoteBase>().ExecuteAsync(Product.Owner, new PromoteBaseRequest(Product.Agent, "old"), Token);
        var run = await AddRunAsync(product, 200);

        var evaluation = await EvaluateAsync(product, run);
        var error = await Assert.ThrowsAsync<LightningException>(() => PromoteAsync(product, run));

        Assert.Equal(
            (GateOutcome.Worse, 40, 0.8),
            (evaluation.Verdict.Outcome, evaluation.Detail!.CandidateFailures, evaluation.Comparison.Candidate.Value)
        );
        Assert.Contains("no answer to 40 of 200 items", error.Message, StringComparison.Ordinal);
        Assert.Contains("InvalidDataException: no words for 0", error.Message, StringComparison.Ordinal);
        Assert.Null(evaluation.Detail.Worse[0].CandidateAnswer);
    }

    [Fact]
    public async Task An_empty_held_out_set_is_refused_and_costs_no_look()
    {
        await using var product = await OpenAsync(new Answers("tuned", _ => true), new Answers("old", _ => true));
        await product.Get<PromoteBase>().ExecuteAsync(Product.Owner, new PromoteBaseRequest(Product.Agent, "old"), Token);
        var run = await AddRunAsync(product, 0);

        var error = await Assert.ThrowsAsync<LightningException>(() => EvaluateAsync(product, run));

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Contains("has no held-out example with a known right answer", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, await product.Get<IEvaluationStore>().TakeLookAsync(run.DatasetId, Token));
    }

    [Fact]
    public async Task Every_further_look_at_the_same_rows_is_counted_and_has_a_wider_interval()
    {
        await using var product = await OpenAsync(new Answers("tuned", i => i % 10 != 0), new Answers("old", i => i % 9 != 0));
        await product.Get<PromoteBase>().ExecuteAsync(Product.Owner, new PromoteBaseRequest(Product.Agent, "old"), Token);
        var run = await AddRunAsync(product, 200);

        var first = await EvaluateAsync(product, run);
        var third = (await EvaluateAsync(product, run), await EvaluateAsync(product, run)).Item2;

        Assert.Equal((1, 3), (first.Verdict.Errors!.Look, third.Verdict.Errors!.Look));
        Assert.Equal((0.025, 0.05 / 12), (first.Verdict.Errors.FalsePass, third.Verdict.Errors.FalsePass));
        Assert.True(third.Comparison.Difference.Low < first.Comparison.Difference.Low);
    }

    [Fact]
    public async Task Metrics_and_graders_that_there_are_not_are_refused_with_those_that_there_are()
    {
        await using var product = await OpenAsync(new Answers("tuned", _ => true), new Answers("old", _ => true));
        var run = await AddRunAsync(product, 40);

        var metric = await Assert.ThrowsAsync<LightningException>(() => EvaluateAsync(product, run, "bleu"));
        var grader = await Assert.ThrowsAsync<LightningException>(() =>
            product
                .Get<EvaluateRun>()
                .ExecuteAsync(
                    Product.Owner,
                    new EvaluateRequest(Product.Agent, run.Id, null, JsonSerializer.SerializeToElement(new { type = "x" })),
                    Token
                )
        );
        var nothing = await Assert.ThrowsAsync<LightningException>(() => EvaluateAsync(product, run));

        Assert.Contains("exact_match, normalised_match, token_f1", metric.Message, StringComparison.Ordinal);
        Assert.Contains("There is no grader of that type here", grader.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing here can let the model 'base' answer", nothing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_run_of_another_agent_is_not_found_and_a_reader_may_not_evaluate()
    {
        await using var product = await OpenAsync(new Answers("tuned", _ => true), new Answers("old", _ => true));
        var run = await AddRunAsync(product, 40);
        var evaluate = product.Get<EvaluateRun>();

        var stranger = await Assert.ThrowsAsync<LightningException>(() =>
            evaluate.ExecuteAsync(new Scope("key 1", Role.Write, ["other"]), new EvaluateRequest(null, run.Id), Token)
        );
        var reader = await Assert.ThrowsAsync<LightningException>(() =>
            evaluate.ExecuteAsync(new Scope("key 2", Role.Read, null), new EvaluateRequest(null, run.Id), Token)
        );

        Assert.Equal((ErrorKind.NotFound, ErrorKind.Forbidden), (stranger.Kind, reader.Kind));
    }

    [Theory]
    [InlineData("normalised_match", "The  Café, is OPEN!", "café is open", 1)]
    [InlineData("normalised_match", "a café is shut", "café is open", 0)]
    [InlineData("exact_match", " yes ", "yes", 1)]
    [InlineData("exact_match", "Yes", "yes", 0)]
    [InlineData("token_f1", "open at nine", "it is open at nine sharp", 2.0 * 3 / 9)]
    [InlineData("token_f1", "", "open", 0)]
    [InlineData("token_f1", "", "the", 1)]
    public async Task Texts_are_scored_by_their_words(string metric, string given, string expected, double score)
    {
        var item = new EvaluationItem("k", null, [], expected, []);

        Assert.Equal(score, await TextScorers.Find(metric)!.ScoreAsync(item, given, Token), 1e-12);
    }

    private static Task<Product> OpenAsync(params Answers[] models) =>
        Product.OpenAsync(services => services.AddSingleton<IAnswererSource>(new Source(models)));

    private static Task<EvaluationRecord> EvaluateAsync(Product product, TrainingRun run, string? metric = null) =>
        product.Get<EvaluateRun>().ExecuteAsync(Product.Owner, new EvaluateRequest(Product.Agent, run.Id, metric), Token);

    private static Task<Deployment> PromoteAsync(Product product, TrainingRun run) =>
        product.Get<Promote>().ExecuteAsync(Product.Owner, new PromoteRequest(Product.Agent, run.Id), Token);

    /// <summary>A succeeded run over conversations, so many of which are held out.</summary>
    private static async Task<TrainingRun> AddRunAsync(Product product, int heldOut, bool slices = false)
    {
        var rows = Enumerable
            .Range(0, heldOut + 10)
            .Select(i => new ChatRow(
                $"key-{i}",
                i < heldOut ? DatasetSide.Validation : DatasetSide.Train,
                [new DatasetMessage("user", $"question {i}"), new DatasetMessage("assistant", $"right answer {i}")],
                null,
                1,
                [$"e{i}"],
                slices ? (i % 2 == 0 ? "even" : "odd") : null
            ));
        var content = string.Concat(rows.Select(row => JsonSerializer.Serialize(row, LightningJson.Options) + "\n"));
        var artifact = await product
            .Get<IArtifactStore>()
            .PutAsync(stream => stream.WriteAsync(Encoding.UTF8.GetBytes(content), Token).AsTask(), Token);
        var dataset = await product
            .Get<IDatasetStore>()
            .AddAsync(
                new Dataset(
                    Guid.NewGuid().ToString(),
                    Product.Agent,
                    "chats",
                    0,
                    "all",
                    null,
                    1,
                    10,
                    heldOut,
                    heldOut + 10,
                    artifact,
                    DateTimeOffset.UnixEpoch
                )
                {
                    Kind = DatasetKind.Chat,
                },
                Token
            );
        var labelled = await product.AddRunAsync("a", Guid.NewGuid().ToString());
        var runs = product.Get<ITrainingRunStore>();
        var run = labelled with { Id = Guid.NewGuid().ToString(), DatasetId = dataset.Id, TunedModelName = "tuned" };
        await runs.AddAsync(run with { Status = TrainingStatus.Pending, TunedModelName = null, Artifact = null }, Token);
        await runs.TryMoveAsync(run with { Status = TrainingStatus.Running, TunedModelName = null, Artifact = null }, Token);
        await runs.TryMoveAsync(run, Token);
        return run;
    }

    /// <param name="IsRight">Whether it knows the answer to a question of this number.</param>
    private sealed record Answers(string Model, Func<int, bool> IsRight);

    private sealed class Source(Answers[] models) : IAnswererSource
    {
        public ValueTask<IAnswerer?> OpenAsync(
            string agentId,
            string model,
            string? artifact,
            DatasetKind kind,
            CancellationToken cancellationToken
        ) => ValueTask.FromResult<IAnswerer?>(models.FirstOrDefault(known => known.Model == model) is { } found ? new Known(found) : null);
    }

    private sealed class Known(Answers answers) : IAnswerer
    {
        public string Model => answers.Model;

        public ValueTask<string> AnswerAsync(EvaluationItem item, CancellationToken cancellationToken)
        {
            var number = int.Parse(item.Key.AsSpan(4), provider: null);
            return ValueTask.FromResult(answers.IsRight(number) ? $"right answer {number}" : "wrong");
        }

        public void Dispose() { }
    }
}
