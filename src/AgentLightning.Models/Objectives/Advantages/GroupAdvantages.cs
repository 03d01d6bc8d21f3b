namespace AgentLightning.Models.Objectives.Advantages;

/// <summary>What advantages are divided by.</summary>
public enum AdvantageScale
{
    /// <summary>The standard deviation of the rewards of the group.</summary>
    Group,

    /// <summary>The standard deviation of all rewards.</summary>
    Batch,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>Advantages of attempts at the same tasks, and what could not be used.</summary>
/// <param name="Values">[attempts]; 0 where <paramref name="IsUsed"/> is false.</param>
/// <param name="IsUsed">[attempts]: whether it teaches anything.</param>
/// <param name="Groups">Groups with at least one reward.</param>
/// <param name="WithoutVariance">Groups of several attempts that all had the same reward; they teach nothing.</param>
/// <param name="Alone">Groups with one reward only; there is nothing to compare it with.</param>
/// <param name="Unscored">Attempts without a finite reward.</param>
public sealed record GroupAdvantages(float[] Values, bool[] IsUsed, int Groups, int WithoutVariance, int Alone, int Unscored)
{
    /// <summary>Keeps an advantage finite when rewards hardly differ.</summary>
    private const double Epsilon = 1e-4;

    /// <summary>The share of groups whose attempts all had the same reward, 0…1.</summary>
    public double ZeroVarianceShare => Groups == 0 ? 0 : (double)WithoutVariance / Groups;

    /// <summary>
    /// A = R − mean of the group, divided as <paramref name="scale"/> says, with deviations that have n − 1 below; or with
    /// <paramref name="leaveOneOut"/> R − mean of the others.
    /// </summary>
    /// <param name="rewards">[attempts]; one that is not finite is left out.</param>
    /// <param name="groups">[attempts]: the task of each. Not the text of the prompt, which may differ between attempts.</param>
    public static GroupAdvantages Of(
        ReadOnlySpan<double> rewards,
        ReadOnlySpan<int> groups,
        AdvantageScale scale = AdvantageScale.Group,
        bool leaveOneOut = false
    )
    {
        if (rewards.Length != groups.Length)
        {
            throw new ArgumentException($"There must be a group for each reward, but there are {groups.Length} for {rewards.Length}.");
        }

        var members = new Dictionary<int, List<int>>();
        for (var i = 0; i < rewards.Length; i++)
        {
            if (double.IsFinite(rewards[i]))
            {
                members.TryAdd(groups[i], []);
                members[groups[i]].Add(i);
            }
        }

        var (values, used) = (new float[rewards.Length], new bool[rewards.Length]);
        var (withoutVariance, single, scored) = (0, 0, members.Values.Sum(group => group.Count));
        var ofAll = scale == AdvantageScale.Batch ? Moments(rewards, [.. members.Values.SelectMany(group => group)]).Deviation : 0;
        foreach (var group in members.Values)
        {
            var (mean, deviation) = Moments(rewards, group);
            if (group.Count == 1 || Same(rewards, group))
            {
                (single, withoutVariance) = group.Count == 1 ? (single + 1, withoutVariance) : (single, withoutVariance + 1);
                continue;
            }

            var others = leaveOneOut ? group.Count / (group.Count - 1.0) : 1;
            var divisor = scale switch
            {
                AdvantageScale.Group => deviation + Epsilon,
                AdvantageScale.Batch => ofAll + Epsilon,
                _ => 1,
            };
            foreach (var i in group)
            {
                values[i] = (float)((rewards[i] - mean) * others / divisor);
                used[i] = true;
            }
        }

        return new GroupAdvantages(values, used, members.Count, withoutVariance, single, rewards.Length - scored);
    }

    /// <summary>Mean, and deviation with n − 1 below; 0 for one.</summary>
    internal static (double Mean, double Deviation) Moments(ReadOnlySpan<double> values, IReadOnlyList<int> members)
    {
        double sum = 0,
            squares = 0;
        foreach (var i in members)
        {
            sum += values[i];
        }

        var mean = members.Count == 0 ? 0 : sum / members.Count;
        foreach (var i in members)
        {
            squares += (values[i] - mean) * (values[i] - mean);
        }

        return (mean, members.Count < 2 ? 0 : Math.Sqrt(squares / (members.Count - 1)));
    }

    /// <summary>Compared one by one: a deviation made of rounding errors is not quite 0.</summary>
    private static bool Same(ReadOnlySpan<double> rewards, List<int> group)
    {
        foreach (var i in group)
        {
            if (rewards[i] != rewards[group[0]])
            {
                return false;
            }
        }

        return true;
    }
}
