using AgentLightning.Models.Loops.Reinforcement;

namespace AgentLightning.Models.Loops.Preferences;

/// <summary>What is learned together, and what is only looked at for it. Their reference log-probabilities are computed once.</summary>
/// <param name="Learned">A pair, or one answer.</param>
/// <param name="Mismatch">An answer to another prompt after the prompt of this one; null for pairs.</param>
internal sealed record ComparisonItem(LearningSequence[] Learned, LearningSequence? Mismatch = null)
{
    public IEnumerable<LearningSequence> All => Mismatch is null ? Learned : Learned.Append(Mismatch);

    public static LearningSequence Sequence(int[] prompt, int[] answer, bool isSecond = false) =>
        new([.. prompt, .. answer], [.. Enumerable.Range(prompt.Length, answer.Length)], new float[answer.Length]) { IsSecond = isSecond };
}
