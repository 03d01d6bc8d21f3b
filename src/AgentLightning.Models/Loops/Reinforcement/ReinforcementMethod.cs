namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>How a policy learns from rewards: which advantages, and which objective.</summary>
public enum ReinforcementMethod
{
    /// <summary>Advantages within the group by its deviation; the mean over sequences of the mean over tokens.</summary>
    Grpo,

    /// <summary>Advantages within the group, not divided; lengths change nothing.</summary>
    DrGrpo,

    /// <summary>As <see cref="Grpo"/>, the mean over all tokens, and more room upwards.</summary>
    Dapo,

    /// <summary>As <see cref="Grpo"/>, the mean over the tokens of each micro-batch.</summary>
    Bnpo,

    /// <summary>As <see cref="Grpo"/>, importance weights that are cut off instead of clipped ratios.</summary>
    Cispo,

    /// <summary>As <see cref="Grpo"/>, one ratio per sequence.</summary>
    Gspo,

    /// <summary>Advantages against the mean of the others; a sequence is one action.</summary>
    Rloo,

    /// <summary>Returns to go, scaled over the whole batch.</summary>
    ReinforcePlusPlus,

    /// <summary>A value head, generalized advantages, clipped ratios and values.</summary>
    Ppo,
}
