using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Loops.Preferences;

/// <summary>
/// Learning from answers that are good or bad by themselves, without pairs (KTO). Beside each answer there is an answer to another prompt:
/// how much likelier those of an update have become than under the reference is the point from which gains and losses are counted. See
/// <see cref="ComparisonRun"/> for the loop.
/// </summary>
public static class ProspectLoop
{
    /// <summary>Trains the policy in place; what is said of <see cref="PreferenceLoop.TrainAsync"/> holds here too.</summary>
    /// <param name="heldOut">Not learned from; may be empty.</param>
    /// <exception cref="ArgumentException">All answers are good, or all bad, or all answer one prompt: there is nothing to
    /// compare.</exception>
    public static Task TrainAsync(
        LanguagePolicy policy,
        IReadOnlyList<LabelledAnswer> answers,
        IReadOnlyList<LabelledAnswer> heldOut,
        ProspectOptions options,
        RunFolder? run,
        bool resume,
        TimeProvider clock,
        Action<ReinforcementEvent>? progress,
        CancellationToken cancellationToken
    )
    {
        options.Validate();
        foreach (var (answer, i) in answers.Concat(heldOut).Select((answer, i) => (answer, i)))
        {
            ComparisonRun.Check(policy, answer.Prompt, answer.Completion, $"answer {i}");
        }

        var good = answers.Count(answer => answer.IsGood);
        return good == 0 || good == answers.Count
            ? throw new ArgumentException(
                $"Of {answers.Count} answers {good} are good: there must be good ones and bad ones.",
                nameof(answers)
            )
            : ComparisonRun.TrainAsync(
                policy,
                Items(policy, answers, answers),
                Items(policy, heldOut, answers),
                options,
                (step, items) => options.Loss with { ReferencePoint = ReferencePoint(step, items) },
                run,
                resume,
                clock,
                progress,
                cancellationToken
            );
    }

    private static double ReferencePoint(PolicyStep step, IReadOnlyList<ComparisonItem> items)
    {
        var ratios = new List<double>();
        step.Score([.. items.Select(item => item.Mismatch!)], (sequence, logProbabilities, _) =>
            ratios.Add(logProbabilities.Zip(sequence.Reference, (now, then) => (double)now - then).Sum())
        );
        return ProspectLoss.ReferencePointOf([.. ratios]);
    }

    /// <param name="pool">Where answers to other prompts are taken from.</param>
    private static ComparisonItem[] Items(LanguagePolicy policy, IReadOnlyList<LabelledAnswer> answers, IReadOnlyList<LabelledAnswer> pool)
    {
        var room = policy.Model.Config.MaxPositions;
        return
        [
            .. answers.Select(
                (answer, i) =>
                {
                    var sequence = ComparisonItem.Sequence(answer.Prompt, answer.Completion);
                    Array.Fill(sequence.Advantages, answer.IsGood ? 1 : -1);
                    return new ComparisonItem([sequence], ComparisonItem.Sequence(answer.Prompt, Other(answer, i).Completion));
                }
            ),
        ];

        // The nearest before it, in a circle, with another prompt: rows often have the good and the bad answer to one prompt after each
        // other.
        LabelledAnswer Other(LabelledAnswer answer, int i) =>
            Enumerable
                .Range(1, pool.Count)
                .Select(back => pool[(((i - back) % pool.Count) + pool.Count) % pool.Count])
                .FirstOrDefault(other =>
                    !other.Prompt.AsSpan().SequenceEqual(answer.Prompt) && answer.Prompt.Length + other.Completion.Length <= room
                )
            ?? throw new ArgumentException(
                $"For the answer {i} there is no answer to another prompt that fits the context of {room} tokens with it: there must be "
                    + $"at least two prompts."
            );
    }
}
