using AgentLightning.Models.Environments;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Tokens drawn, and the operations that the model asks for: 2 per weight and token forward, 4 backward (2 where only an adapter is trained), and those of attention; a prompt that
/// attempts share is read once, and the output layer counts for drawn tokens only.
/// </summary>
internal sealed class WorkCounter(LanguagePolicy policy)
{
    private readonly double _blocks = policy.Model.Linears.Sum(linear => (double)linear.Weight.Count), _head = policy.Model.Output.Weight.Count;
    private readonly double _attention = 2.0 * policy.Model.Config.Layers * policy.Model.Config.Heads * policy.Model.Config.HeadWidth;

    public long Drawn { get; private set; }

    public double Flops { get; private set; }

    /// <summary>Returns the tokens drawn.</summary>
    public long Add(IReadOnlyList<Attempt> attempts, IReadOnlyList<LearningSequence> learned, int epochs)
    {
        long drawn = attempts.Sum(attempt => (long)attempt.Drawn.Count);
        Drawn += drawn;
        foreach (var group in attempts.GroupBy(attempt => attempt.Group))
        {
            long prompt = group.First().Task.Prompt.Length;
            Flops += (2 * _blocks * prompt) + (2 * _head) + (_attention * prompt * prompt);
            foreach (var attempt in group)
            {
                Flops += (2 * _blocks * (attempt.Tokens.Count - prompt)) + (2 * _head * attempt.Drawn.Count) + (_attention * (((double)attempt.Tokens.Count * attempt.Tokens.Count) - ((double)prompt * prompt)));
            }
        }

        var passes = epochs * (policy.Adapter is null ? 3 : 2);
        Flops += learned.Sum(sequence => passes * ((2 * _blocks * sequence.Tokens.Length) + (2 * _head * sequence.Drawn.Length) + (_attention * sequence.Tokens.Length * sequence.Tokens.Length)));
        return drawn;
    }
}
