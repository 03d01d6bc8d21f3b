using AgentLightning.Models.Environments;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>Options under which <see cref="ReverseDigits"/> is learned in a second or a few.</summary>
public static class ReverseDigitsOptions
{
    /// <summary>
    /// From random weights. With values a policy now and then becomes sure of a wrong digit and stays there, so staying undecided is worth
    /// a little.
    /// </summary>
    public static ReinforcementOptions FromNothing(ReinforcementMethod method, long seed) =>
        new()
        {
            Method = method,
            Steps = 400,
            MaxTokens = ReverseDigits.Length,
            TasksPerStep = 16,
            Attempts = 16,
            LearningRate = 3e-3f,
            EvaluateEvery = 10,
            StopAtAccuracy = 0.995,
            Seed = seed,
            EntropyBonus = method.HasValues() ? 0.01 : 0,
        };

    /// <summary>From random weights, by <see cref="ReverseDigits.LargerConfig"/>.</summary>
    public static ReinforcementOptions FromNothingLarger(ReinforcementMethod method, long seed) =>
        FromNothing(method, seed) with
        {
            LearningRate = 2e-3f,
        };

    /// <summary>
    /// By an adapter on a model that has learned it with another shift: that one is sure of its answers, so staying undecided is worth
    /// something.
    /// </summary>
    public static ReinforcementOptions FromAnotherShift(ReinforcementMethod method, long seed) =>
        FromNothing(method, seed) with
        {
            Steps = 600,
            TasksPerStep = 32,
            LearningRate = 1e-2f,
            EntropyBonus = 0.02,
        };
}
