namespace AgentLightning.Models.Loops;

/// <summary>How the learning rate goes after the warm-up.</summary>
public enum Schedule
{
    /// <summary>It stays.</summary>
    Constant,

    /// <summary>It falls in a straight line to 0.</summary>
    Linear,

    /// <summary>It falls to 0 along half a cosine.</summary>
    Cosine,
}

internal static class Schedules
{
    /// <summary>
    /// The share of the learning rate at a step, from 0. It rises in a straight line over the warm-up and is whole at its last step.
    /// </summary>
    public static float At(this Schedule schedule, int step, int steps, int warmup)
    {
        if (step < warmup)
        {
            return (step + 1f) / warmup;
        }

        var progress = (double)(step - warmup) / Math.Max(steps - warmup, 1);
        return schedule switch
        {
            Schedule.Constant => 1,
            Schedule.Linear => (float)(1 - progress),
            _ => (float)(0.5 * (1 + Math.Cos(Math.PI * progress))),
        };
    }
}
