namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>Methods under the names that they have in the field.</summary>
public static class MethodNames
{
    private static readonly (ReinforcementMethod Method, string Name)[] s_names =
    [
        (ReinforcementMethod.Grpo, "grpo"),
        (ReinforcementMethod.DrGrpo, "dr_grpo"),
        (ReinforcementMethod.Dapo, "dapo"),
        (ReinforcementMethod.Bnpo, "bnpo"),
        (ReinforcementMethod.Cispo, "cispo"),
        (ReinforcementMethod.Gspo, "gspo"),
        (ReinforcementMethod.Rloo, "rloo"),
        (ReinforcementMethod.ReinforcePlusPlus, "reinforce++"),
        (ReinforcementMethod.Ppo, "ppo"),
    ];

    /// <summary>All names.</summary>
    public static IEnumerable<string> All => s_names.Select(pair => pair.Name);

    /// <summary>The name of a method.</summary>
    public static string Of(ReinforcementMethod method) => s_names.Single(pair => pair.Method == method).Name;

    /// <summary>The method of a name, whatever its case.</summary>
    /// <exception cref="ArgumentException">There is none; the message has all that there are.</exception>
    public static ReinforcementMethod Parse(string name)
    {
        var found = Array.FindIndex(s_names, pair => pair.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        return found >= 0
            ? s_names[found].Method
            : throw new ArgumentException($"There is no method '{name}'. There are: {string.Join(", ", All)}.");
    }
}
