using AgentLightning.Models.Environments;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Tokens drawn, and the operations that the model asks for: 2 per weight and token forward, 4 backward (2 where only an adapter is trained), and those of attention; a prompt that
/// attempts share is read once, and the output layer counts for drawn tokens only.
/// </summary>
/// <param name="policy">Null where the model is elsewhere: then only tokens are counted.</param>
internal sealed class WorkCounter(LanguagePolicy? policy)
{
    private readonly double _blocks = policy?.Model.Linears.Sum(linear => (double)linear.Weight.Count) ?? 0, _head = policy?.Model.Output.Weight.Count ?? 0;
    private readonly double _attention = policy is null ? 0 : 2.0 * policy.Model.Config.Layers * policy.Model.Config.Heads * policy.Model.Config.HeadWidth;

    public long Drawn { get; private set; }

    public double Flops { get; private set; }

    /// <summary>Counts attempts that were made, and returns their operations.</summary>
    public double Draw(IReadOnlyList<Attempt> attempts)
    {
        Drawn += attempts.Sum(attempt => (long)attempt.Drawn.Count);
        double flops = 0;
        foreach (var group in attempts.GroupBy(attempt => attempt.Group))
        {
            double prompt = group.First().Task.Prompt.Length;
            flops += (2 * _blocks * prompt) + (2 * _head) + (_attention * prompt * prompt);
            foreach (var attempt in group)
            {
                double all = attempt.Tokens.Count;
                flops += (2 * _blocks * (all - prompt)) + (2 * _head * attempt.Drawn.Count) + (_attention * ((all * all) - (prompt * prompt)));
            }
        }

        Flops += flops;
        return flops;
    }

    /// <summary>Counts sequences that were learned from so many times, and returns their operations.</summary>
    public double Learn(IReadOnlyList<LearningSequence> sequences, int epochs)
    {
        var passes = epochs * (policy?.Adapter is null ? 3 : 2);
        var flops = sequences.Sum(sequence => passes * ((2 * _blocks * sequence.Tokens.Length) + (2 * _head * sequence.Drawn.Length) + (_attention * sequence.Tokens.Length * sequence.Tokens.Length)));
        Flops += flops;
        return flops;
    }
}
