using AgentLightning.Models.Loops.Reinforcement;

namespace AgentLightning.Models.Loops.Preferences;

/// <summary>
/// Learning from preferences (DPO and its relatives): pairs of answers to one prompt, of which one is preferred. See
/// <see cref="ComparisonRun"/> for the loop.
/// </summary>
public static class PreferenceLoop
{
    /// <summary>
    /// Trains the policy in place. With a run folder that has a checkpoint of the same run it goes on from there, and the result is the
    /// same, bit for bit, as if it had not stopped; the policy must be handed in as it was before the first update.
    /// </summary>
    /// <param name="heldOut">Not learned from; may be empty.</param>
    /// <param name="run">Where journal and checkpoints go; null for nowhere.</param>
    /// <param name="resume">False begins anew even where there is a checkpoint.</param>
    /// <param name="progress">Called with every line of the journal.</param>
    /// <exception cref="InvalidDataException">Gradients are not finite, the memory is too small, or the checkpoint is of another
    /// run.</exception>
    public static Task TrainAsync(
        LanguagePolicy policy,
        IReadOnlyList<PreferencePair> pairs,
        IReadOnlyList<PreferencePair> heldOut,
        PreferenceOptions options,
        RunFolder? run,
        bool resume,
        TimeProvider clock,
        Action<ReinforcementEvent>? progress,
        CancellationToken cancellationToken
    )
    {
        options.Validate();
        Check(policy, pairs);
        Check(policy, heldOut);
        return pairs.Count == 0
            ? throw new ArgumentException("There are no pairs to learn from.", nameof(pairs))
            : ComparisonRun.TrainAsync(
                policy,
                [.. pairs.Select(Item)],
                [.. heldOut.Select(Item)],
                options,
                (_, _) => options.Loss,
                run,
                resume,
                clock,
                progress,
                cancellationToken
            );
    }

    private static ComparisonItem Item(PreferencePair pair) =>
        new([ComparisonItem.Sequence(pair.Prompt, pair.Chosen), ComparisonItem.Sequence(pair.Prompt, pair.Rejected, isSecond: true)]);

    private static void Check(LanguagePolicy policy, IReadOnlyList<PreferencePair> pairs)
    {
        for (var i = 0; i < pairs.Count; i++)
        {
            ComparisonRun.Check(policy, pairs[i].Prompt, pairs[i].Chosen, $"pair {i}");
            ComparisonRun.Check(policy, pairs[i].Prompt, pairs[i].Rejected, $"pair {i}");
        }
    }
}
