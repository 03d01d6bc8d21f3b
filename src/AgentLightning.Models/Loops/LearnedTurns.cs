namespace AgentLightning.Models.Loops;

/// <summary>Which messages of a conversation are learned. Those of the assistant with <c>"weight": 0</c> never are.</summary>
public enum LearnedTurns
{
    /// <summary>The last message, whoever says it.</summary>
    Last = 0,

    /// <summary>
    /// All of the assistant's, in one example that is read once. The chat template must write each turn the same whatever comes after it.
    /// </summary>
    All = 1,

    /// <summary>
    /// All of the assistant's, each in an example of its own with what was said before it. It costs more, and takes any template that
    /// answers can be generated with.
    /// </summary>
    Each = 2,
}
