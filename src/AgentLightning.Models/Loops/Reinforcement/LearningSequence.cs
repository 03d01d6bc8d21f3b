using AgentLightning.Models.Environments;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// A sequence to learn from, and what is known of each token in it that was drawn. All arrays but the tokens have one number per drawn
/// token.
/// </summary>
internal sealed class LearningSequence
{
    public LearningSequence(int[] tokens, int[] drawn, float[] old)
    {
        (Tokens, Drawn, Old) = (tokens, drawn, old);
        (Advantages, Values, Returns) = (new float[drawn.Length], new float[drawn.Length], new float[drawn.Length]);
    }

    public LearningSequence(Attempt attempt)
        : this([.. attempt.Tokens.Take(attempt.Drawn[^1] + 1)], [.. attempt.Drawn], [.. attempt.LogProbabilities]) => Attempt = attempt;

    public Attempt? Attempt { get; }

    public int[] Tokens { get; }

    /// <summary>Indexes into <see cref="Tokens"/>, rising, from 1.</summary>
    public int[] Drawn { get; }

    /// <summary>What came before the first drawn token.</summary>
    public ReadOnlySpan<int> Prompt => Tokens.AsSpan(0, Drawn.Length == 0 ? 0 : Drawn[0]);

    /// <summary>Tokens that the model reads: nothing is asked about what follows the last drawn one.</summary>
    public int Inputs => Drawn.Length == 0 ? 0 : Drawn[^1];

    /// <summary>ln p when they were drawn.</summary>
    public float[] Old { get; }

    /// <summary>ln p under the reference; empty where there is none.</summary>
    public float[] Reference { get; set; } = [];

    /// <summary>Whether it is compared with the one before it, and must be computed with it.</summary>
    public bool IsSecond { get; init; }

    public float[] Advantages { get; }

    /// <summary>What was expected to come, when they were drawn.</summary>
    public float[] Values { get; }

    public float[] Returns { get; }
}
