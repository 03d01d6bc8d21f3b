using AgentLightning.Models.Objectives.Advantages;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>Gives the tokens of finished attempts their advantages, and says which sequences are worth learning from.</summary>
/// <param name="Sequences">Those to learn from.</param>
/// <param name="Groups">What came of the comparison within groups; null when there was none.</param>
internal sealed record AdvantageAssignment(IReadOnlyList<LearningSequence> Sequences, GroupAdvantages? Groups)
{
    public static AdvantageAssignment Of(IReadOnlyList<LearningSequence> sequences, ReinforcementOptions options) =>
        options.Method.ComparesAttempts() ? WithinGroups(sequences, options) : OverTokens(sequences, options);

    private static AdvantageAssignment WithinGroups(IReadOnlyList<LearningSequence> sequences, ReinforcementOptions options)
    {
        var charge = options.Method.ChargesReward() ? options.Beta : 0;
        double[] rewards =
        [
            .. sequences.Select(sequence => sequence.Attempt!.Return(options.Discount) - (charge > 0 ? charge * Divergence(sequence) : 0)),
        ];
        var groups = GroupAdvantages.Of(
            rewards,
            [.. sequences.Select(sequence => sequence.Attempt!.Group)],
            options.Method.Scale(),
            leaveOneOut: options.Method == ReinforcementMethod.Rloo
        );
        for (var i = 0; i < sequences.Count; i++)
        {
            Array.Fill(sequences[i].Advantages, groups.Values[i]);
        }

        // A group without differences moves nothing by its rewards; it would only by what keeps the policy in place.
        return new AdvantageAssignment([.. sequences.Where((_, i) => groups.IsUsed[i])], groups);
    }

    private static AdvantageAssignment OverTokens(IReadOnlyList<LearningSequence> sequences, ReinforcementOptions options)
    {
        var starts = new int[sequences.Count + 1];
        for (var s = 0; s < sequences.Count; s++)
        {
            starts[s + 1] = starts[s] + sequences[s].Drawn.Length;
        }

        var count = starts[^1];
        var (rewards, advantages, returns) = (new float[count], new float[count], new float[count]);
        float[] old = [.. sequences.SelectMany(sequence => sequence.Old)],
            reference = [.. sequences.SelectMany(sequence => sequence.Reference)];
        ReturnsToGo.TokenRewards(starts, new float[sequences.Count], old, reference, options.Beta, rewards);
        for (var s = 0; s < sequences.Count; s++)
        {
            // The reward of a turn belongs to its last token.
            foreach (var (end, reward) in sequences[s].Attempt!.TurnEnds.Zip(sequences[s].Attempt!.Rewards))
            {
                rewards[starts[s] + end - 1] += (float)reward;
            }
        }

        if (options.Method.HasValues())
        {
            new GeneralizedAdvantage(options.Discount, options.Lambda).Compute(
                starts,
                rewards,
                [.. sequences.SelectMany(sequence => sequence.Values)],
                advantages,
                returns
            );
        }
        else
        {
            ReturnsToGo.Compute(starts, rewards, options.Discount, advantages);
        }

        ReturnsToGo.Whiten(advantages);
        for (var s = 0; s < sequences.Count; s++)
        {
            var range = starts[s]..starts[s + 1];
            advantages.AsSpan(range).CopyTo(sequences[s].Advantages);
            returns.AsSpan(range).CopyTo(sequences[s].Returns);
        }

        return new AdvantageAssignment(sequences, null);
    }

    private static double Divergence(LearningSequence sequence) =>
        sequence.Old.Zip(sequence.Reference, (old, reference) => (double)old - reference).Sum();
}
