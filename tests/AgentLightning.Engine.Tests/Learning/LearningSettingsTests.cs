using AgentLightning.Engine.Learning;
using AgentLightning.Training;

namespace AgentLightning.Engine.Tests.Learning;

public sealed class LearningSettingsTests
{
    [Theory]
    [InlineData(TrainingMethod.Sft, "n_epochs", "0", "must be a whole number from 1 to 10000, but it is '0'")]
    [InlineData(TrainingMethod.Sft, "n_epochs", "two", "must be a whole number from 1 to 10000, but it is 'two'")]
    [InlineData(TrainingMethod.Sft, "steps", "-1", "must be a whole number from 1 to 1000000, but it is '-1'")]
    [InlineData(TrainingMethod.Sft, "batch_size", "5000", "must be a whole number from 1 to 4096, but it is '5000'")]
    [InlineData(TrainingMethod.Kto, "batch_size", "1", "must be a whole number from 2 to 4096, but it is '1'")]
    [InlineData(TrainingMethod.Sft, "learning_rate", "0", "must be a number above 0 and at most 1, but it is '0'")]
    [InlineData(TrainingMethod.Sft, "learning_rate", "NaN", "must be a number above 0 and at most 1, but it is 'NaN'")]
    [InlineData(TrainingMethod.Sft, "learning_rate_multiplier", "-2", "must be a number above 0 and at most 1000, but it is '-2'")]
    [InlineData(TrainingMethod.Sft, "full", "yes", "must be true or false, but it is 'yes'")]
    [InlineData(TrainingMethod.Sft, "lora_rank", "513", "must be a whole number from 1 to 512, but it is '513'")]
    [InlineData(TrainingMethod.Sft, "lora_alpha", "0", "must be a number above 0 and at most 65536, but it is '0'")]
    [InlineData(TrainingMethod.Sft, "max_length", "1", "must be a whole number from 2 to 1048576, but it is '1'")]
    [InlineData(TrainingMethod.Sft, "tokens_at_once", "0", "must be a whole number from 1 to 1048576, but it is '0'")]
    [InlineData(TrainingMethod.Sft, "low_memory", "1", "must be true or false, but it is '1'")]
    [InlineData(TrainingMethod.Sft, "save_every", "-1", "must be a whole number from 0 to 1000000, but it is '-1'")]
    [InlineData(TrainingMethod.Sft, "threads", "9999", "must be a whole number from 0 to 1024, but it is '9999'")]
    [InlineData(TrainingMethod.Sft, "seed", "1.5", "must be a whole number, but it is '1.5'")]
    [InlineData(TrainingMethod.Sft, "learn_from", "first", "must be one of last, all, each, but it is 'first'")]
    [InlineData(TrainingMethod.RewardWeightedSft, "reward_temperature", "0", "must be a number above 0 and at most 100, but it is '0'")]
    [InlineData(TrainingMethod.Dpo, "beta", "0", "must be a number above 0 and at most 100, but it is '0'")]
    [InlineData(TrainingMethod.Dpo, "loss", "l2", "must be one of sigmoid, robust, ipo, hinge, apo_zero, but it is 'l2'")]
    [InlineData(TrainingMethod.Dpo, "smoothing", "0.5", "must be a number from 0 to 0.49, but it is '0.5'")]
    [InlineData(TrainingMethod.Kto, "beta", "101", "must be a number above 0 and at most 100, but it is '101'")]
    [InlineData(TrainingMethod.Grpo, "beta", "-1", "must be a number from 0 to 100, but it is '-1'")]
    [InlineData(TrainingMethod.Grpo, "attempts", "1", "must be a whole number from 2 to 256, but it is '1'")]
    [InlineData(TrainingMethod.Grpo, "answer_tokens", "0", "must be a whole number from 1 to 65536, but it is '0'")]
    [InlineData(TrainingMethod.Ppo, "temperature", "0", "must be a number above 0 and at most 10, but it is '0'")]
    [InlineData(TrainingMethod.Ppo, "entropy_bonus", "11", "must be a number from 0 to 10, but it is '11'")]
    [InlineData(TrainingMethod.Grpo, "clip_high", "-0.1", "must be a number from 0 to 100, but it is '-0.1'")]
    [InlineData(TrainingMethod.Grpo, "grader", "good", "cannot be used: 'good' is none. It is exact_match, match")]
    [InlineData(TrainingMethod.Grpo, "grader", "{\"type\":\"match\"}", "cannot be used: grader: 'reference' is missing")]
    [InlineData(TrainingMethod.Grpo, "grader", "{\"type\":\"command\",\"command\":[\"true\"]}", "runs programs, which a run of a data set")]
    public void A_hyper_parameter_that_cannot_be_is_named_with_what_it_can_be(
        TrainingMethod method,
        string name,
        string value,
        string message
    )
    {
        var given = new Dictionary<string, string> { [name] = value };
        if (LearningSettings.Draws(method))
        {
            given.TryAdd("grader", "match");
        }

        var (_, mistakes) = LearningSettings.Read(method, given);

        var mistake = Assert.Single(mistakes);
        Assert.Contains($"The hyper-parameter '{name}' ", mistake, StringComparison.Ordinal);
        Assert.Contains(message, mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once_and_what_there_is_not_with_what_may_be_meant()
    {
        var given = new Dictionary<string, string>
        {
            ["n_epochs"] = "none",
            ["learning_rat"] = "1e-4",
            ["loss"] = "ipo",
            ["full"] = "perhaps",
        };

        var (_, mistakes) = LearningSettings.Read(TrainingMethod.Grpo, given);

        Assert.Equal(5, mistakes.Count);
        Assert.Contains(mistakes, mistake => mistake.Contains("'grader' is missing", StringComparison.Ordinal));
        Assert.Contains(mistakes, mistake =>
            mistake.Contains("'learning_rat' for grpo. Did you mean learning_rate", StringComparison.Ordinal)
        );
        Assert.Contains(mistakes, mistake => mistake.Contains("There is no hyper-parameter 'loss' for grpo.", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_not_given_is_what_suits_the_method()
    {
        var (adapter, _) = LearningSettings.Read(TrainingMethod.Sft, new Dictionary<string, string>());
        var (whole, _) = LearningSettings.Read(
            TrainingMethod.Sft,
            new Dictionary<string, string> { ["full"] = "true", ["learning_rate_multiplier"] = "2" }
        );

        Assert.Equal((2e-4f, 16, 32f, 3, 8), (adapter.LearningRate, adapter.Rank, adapter.Alpha, adapter.Epochs, adapter.BatchSize));
        Assert.Equal(4e-5f, whole.LearningRate, 1e-9f);
        Assert.Equal(9, adapter.StepsFor(20));
        Assert.Equal(3, adapter.StepsFor(1));
    }
}
