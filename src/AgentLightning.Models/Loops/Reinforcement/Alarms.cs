using System.Globalization;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>Signs that a run goes wrong, read from its journal. Each says what was seen and what to do.</summary>
public static class Alarms
{
    private const int Patience = 5;

    /// <summary>What the last line gives cause for, given those before it.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyList<ReinforcementEvent> journal, ReinforcementOptions options)
    {
        var steps = journal.Where(line => line.Find(ReinforcementEvent.Reward) is not null).ToList();
        if (steps.Count < 2)
        {
            return [];
        }

        var (first, last) = (steps[0], steps[^1]);
        var accuracies = journal.Select(line => line.Find(ReinforcementEvent.Accuracy)).OfType<double>().ToList();
        // A policy that is right may be certain, and its attempts alike.
        var solved = last.Find(ReinforcementEvent.Reward) >= 0.9 * options.RightReward;
        var alarms = new List<string>();
        Check(
            !solved && last.Find("entropy") < 0.02 * first.Find("entropy"),
            $"The entropy has fallen from {first.Find("entropy"):G3} to {last.Find("entropy"):G3} while the reward is "
                + $"{last.Find("reward"):G3}: the policy no longer tries anything. Set an entropy bonus, lower the learning rate, or "
                + $"raise the temperature."
        );
        Check(
            !solved && steps.Count >= Patience && steps.TakeLast(Patience).All(step => step.Find("frac_reward_zero_std") >= 0.9),
            $"In the last {Patience} steps at least nine of ten groups had no difference in reward: there is almost nothing to "
                + $"learn from. Take easier or harder tasks, more attempts at each, or rewards that tell more."
        );
        Check(
            last.Find("completions/mean_length") < 0.2 * first.Find("completions/mean_length"),
            $"Completions have shrunk from {first.Find("completions/mean_length"):G3} to {last.Find("completions/mean_length"):G3} "
                + $"tokens. See whether short answers are rewarded by mistake; with a mean over sequences, take dr_grpo or dapo."
        );
        Check(
            first.Find("completions/clipped_ratio") < 0.5 && last.Find("completions/clipped_ratio") > 0.9,
            $"Of the completions {last.Find("completions/clipped_ratio"):P0} are cut off; at the start it was "
                + $"{first.Find("completions/clipped_ratio"):P0}. Allow more tokens, or leave out truncated attempts."
        );
        Check(
            last.Find("kl") > 10,
            $"The policy is {last.Find("kl"):G3} nats per token from its reference. Raise beta or lower the learning rate."
        );
        Check(
            last.Find("approx_kl") > 1,
            $"Within a step the policy moved {last.Find("approx_kl"):G3} nats per token from the one that made the attempts. Lower "
                + $"the learning rate, or make fewer updates per step."
        );
        Check(
            accuracies.Count > 2 && accuracies[^1] < accuracies.Max() - 0.1 && last.Find("reward") > first.Find("reward") + 0.1,
            $"The reward in training has risen from {first.Find("reward"):G3} to {last.Find("reward"):G3}, but the accuracy on "
                + $"held-out tasks has fallen from {(accuracies.Count > 0 ? accuracies.Max() : 0):G3} to "
                + $"{(accuracies.Count > 0 ? accuracies[^1] : 0):G3}: the reward may be gamed. Read some attempts, and go back to the "
                + $"best checkpoint."
        );
        return alarms;

        void Check(bool seen, string message)
        {
            if (seen)
            {
                alarms.Add(message);
            }
        }
    }
}
