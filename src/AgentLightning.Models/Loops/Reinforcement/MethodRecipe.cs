using AgentLightning.Models.Objectives.Advantages;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>What a method is made of.</summary>
internal static class MethodRecipe
{
    public static bool HasValues(this ReinforcementMethod method) => method == ReinforcementMethod.Ppo;

    /// <summary>Whether attempts at one task are compared, so that those of a task that all did equally well teach nothing.</summary>
    public static bool ComparesAttempts(this ReinforcementMethod method) =>
        method is not (ReinforcementMethod.Ppo or ReinforcementMethod.ReinforcePlusPlus);

    /// <summary>Whether leaving the reference costs reward; otherwise it costs loss.</summary>
    public static bool ChargesReward(this ReinforcementMethod method) =>
        method is ReinforcementMethod.Ppo or ReinforcementMethod.ReinforcePlusPlus or ReinforcementMethod.Rloo;

    public static AdvantageScale Scale(this ReinforcementMethod method) =>
        method is ReinforcementMethod.DrGrpo or ReinforcementMethod.Rloo ? AdvantageScale.None : AdvantageScale.Group;

    public static ISequenceObjective Objective(this ReinforcementOptions options)
    {
        var (low, high, beta, bonus) = (options.ClipLow ?? 0.2, options.ClipHigh ?? 0.2, options.Beta, options.EntropyBonus);
        return options.Method switch
        {
            ReinforcementMethod.Grpo => new GroupPolicyLoss(
                TokenAggregation.SequenceMean,
                low,
                high,
                options.MostRatio,
                beta,
                EntropyBonus: bonus
            ),
            ReinforcementMethod.DrGrpo => new GroupPolicyLoss(
                TokenAggregation.ConstantLength,
                low,
                high,
                options.MostRatio,
                beta,
                EntropyBonus: bonus
            ),
            ReinforcementMethod.Dapo => new GroupPolicyLoss(
                TokenAggregation.TokenMean,
                low,
                options.ClipHigh ?? 0.28,
                options.MostRatio,
                beta,
                EntropyBonus: bonus
            ),
            ReinforcementMethod.Bnpo => new GroupPolicyLoss(
                TokenAggregation.BatchMean,
                low,
                high,
                options.MostRatio,
                beta,
                EntropyBonus: bonus
            ),
            ReinforcementMethod.Gspo => new GroupPolicyLoss(
                TokenAggregation.SequenceMean,
                options.ClipLow ?? 3e-4,
                options.ClipHigh ?? 4e-4,
                options.MostRatio,
                beta,
                BySequence: true,
                bonus
            ),
            ReinforcementMethod.Cispo => new TruncatedWeightLoss(1 + (options.ClipHigh ?? 4), beta, bonus),
            ReinforcementMethod.Rloo => new SequenceRatioLoss(high, bonus),
            ReinforcementMethod.ReinforcePlusPlus => new GroupPolicyLoss(
                TokenAggregation.TokenMean,
                low,
                high,
                options.MostRatio,
                EntropyBonus: bonus
            ),
            ReinforcementMethod.Ppo => new ActorCriticLoss(high, ValueWeight: options.ValueWeight, EntropyBonus: bonus),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Method, "There is no such method."),
        };
    }
}
