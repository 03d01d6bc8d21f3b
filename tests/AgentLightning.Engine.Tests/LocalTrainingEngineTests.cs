using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Engine;
using AgentLightning.Training;
using AgentLightning.Triage;

namespace AgentLightning.Engine.Tests;

public sealed class LocalTrainingEngineTests
{
    private static readonly string[] s_labels = ["apples", "iron"];
    private static readonly LocalTrainingEngine s_engine = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_from_labels_makes_a_policy_that_answers_and_explains()
    {
        var model = await s_engine.TrainAsync(Job(TrainingMethod.Supervised, Examples(40)), null, Token);
        var policy = await LoadAsync(model);
        var scores = new float[2];

        Assert.Equal("iron", policy.Categories[policy.Score(new FeedbackTask("we saw rusty iron today"), scores)]);
        Assert.Contains("'iron'", policy.Explain(new FeedbackTask("we saw rusty iron today"), 1), StringComparison.Ordinal);
        Assert.StartsWith("fruit-", model.Name, StringComparison.Ordinal);
        Assert.Equal(40, model.Metrics["samples"]);
    }

    [Fact]
    public async Task A_run_from_rewards_asks_the_environment_in_rounds_and_reports_each()
    {
        var environment = new Reviewer();
        var steps = new List<TrainingProgress>();

        var model = await s_engine.TrainAsync(
            Job(TrainingMethod.PolicyGradient, Examples(40), environment, ("rounds", "3")),
            new Listener(steps),
            Token
        );

        Assert.Equal([0, 1, 2], environment.Rounds);
        Assert.Equal([1, 2, 3], steps.Select(step => step.Step));
        Assert.All(steps, step => Assert.True(step.Metrics.ContainsKey("reward")));
        Assert.Equal(160, model.Metrics["samples"]);
        Assert.Equal(
            "apples",
            (await LoadAsync(model)).Categories[(await LoadAsync(model)).Score(new FeedbackTask("sweet apples there"), new float[2])]
        );
    }

    [Fact]
    public async Task Turning_the_sign_of_the_rewards_teaches_the_opposite()
    {
        var model = await s_engine.TrainAsync(
            Job(TrainingMethod.PolicyGradient, Examples(60), new Reviewer(), ("reward_scale", "-1")),
            null,
            Token
        );
        var policy = await LoadAsync(model);

        Assert.Equal("apples", policy.Categories[policy.Score(new FeedbackTask("we saw rusty iron today"), new float[2])]);
    }

    [Theory]
    [InlineData("rounds", "0", "'rounds' must be from 1 to 100, but it is 0")]
    [InlineData("rounds", "many", "'rounds' must be a whole number, but it is 'many'")]
    [InlineData("seed", "1.5", "'seed' must be a whole number, but it is '1.5'")]
    [InlineData("reward_scale", "NaN", "'reward_scale' must be a number from -1 to 1, but it is 'NaN'")]
    [InlineData("objective", "magic", "'objective' must be reward_likelihood or policy_gradient, but it is 'magic'")]
    public async Task Hyper_parameters_that_cannot_be_are_named(string name, string value, string message)
    {
        var error = await Assert.ThrowsAsync<LightningException>(() =>
            s_engine.TrainAsync(Job(TrainingMethod.PolicyGradient, Examples(20), new Reviewer(), (name, value)), null, Token)
        );

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_label_in_the_training_part_is_too_few()
    {
        var examples = Examples(20).Where(example => example.Expected == "iron").ToList();

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            s_engine.TrainAsync(Job(TrainingMethod.Supervised, examples), null, Token)
        );

        Assert.Contains("at least two labels", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_that_was_cut_off_is_damage_and_text_is_no_checkpoint()
    {
        var stream = new MemoryStream();
        await (await s_engine.TrainAsync(Job(TrainingMethod.Supervised, Examples(20)), null, Token)).Write(stream);
        var loader = new TextClassifierLoader();

        var error = Assert.Throws<LightningException>(() => loader.Load("model", stream.ToArray()[..^100]));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Null(loader.Load("model", "{\"policy\":\"label-names\"}"u8.ToArray()));
    }

    private static async Task<ITriagePolicy> LoadAsync(TunedModel model)
    {
        var stream = new MemoryStream();
        await model.Write(stream);
        return new TextClassifierLoader().Load(model.Name, stream.ToArray())!;
    }

    private static List<DatasetExample> Examples(int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => (Text: i % 2 == 0 ? $"sweet apples there number {i}" : $"we saw rusty iron today {i}", Label: s_labels[i % 2]))
                .Select(
                    (item, i) =>
                        new DatasetExample(
                            $"key{i}",
                            DatasetSide.Train,
                            new FeedbackTask(item.Text, Title: $"{i}").ToJson(),
                            item.Label,
                            [new DatasetAnswer($"e{i}", "apples", -0.1, item.Label == "apples" ? 1 : -1)]
                        )
                ),
        ];

    private static TrainingJob Job(
        TrainingMethod method,
        IReadOnlyList<DatasetExample> examples,
        IRolloutEnvironment? environment = null,
        params (string Name, string Value)[] hyperparameters
    ) =>
        new(
            new TrainingRun(
                "run-000001",
                "fruit",
                "data",
                "local",
                method,
                "base",
                null,
                null,
                TrainingStatus.Running,
                hyperparameters.ToDictionary(pair => pair.Name, pair => pair.Value),
                null,
                null,
                DateTimeOffset.UnixEpoch,
                null,
                null
            ),
            examples,
            s_labels,
            environment
        );

    /// <summary>Rewards an answer that names what the text is about.</summary>
    private sealed class Reviewer : IRolloutEnvironment
    {
        public List<int> Rounds { get; } = [];

        public Task<IReadOnlyList<double>> TryAsync(
            string trainingRunId,
            int round,
            IReadOnlyList<RolloutAnswer> answers,
            CancellationToken cancellationToken
        )
        {
            Rounds.Add(round);
            Assert.Equal("run-000001", trainingRunId);
            return Task.FromResult<IReadOnlyList<double>>([
                .. answers.Select(answer => answer.Input.Contains(answer.Action, StringComparison.Ordinal) ? 1.0 : -1.0),
            ]);
        }
    }

    private sealed class Listener(List<TrainingProgress> steps) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => steps.Add(value);
    }
}
