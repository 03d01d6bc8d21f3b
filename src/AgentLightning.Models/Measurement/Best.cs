using System.Diagnostics;

namespace AgentLightning.Models.Measurement;

/// <summary>The shortest of many runs; several things to compare take turns, so that a noisy moment hits all of them.</summary>
internal static class Best
{
    /// <summary>Seconds per action, the best of as many rounds as fit in <paramref name="seconds"/>, at least ten.</summary>
    public static double[] Of(double seconds, params ReadOnlySpan<Action> actions) => Of(10, seconds, actions);

    /// <summary>The same with fewer rounds at least, for what takes long.</summary>
    public static double[] Of(int rounds, double seconds, params ReadOnlySpan<Action> actions)
    {
        var best = new double[actions.Length];
        Array.Fill(best, double.PositiveInfinity);
        var start = Stopwatch.GetTimestamp();
        // The first rounds also compile.
        for (var round = 0; round < rounds || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; round++)
        {
            for (var i = 0; i < actions.Length; i++)
            {
                var from = Stopwatch.GetTimestamp();
                actions[i]();
                best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(from).TotalSeconds);
            }
        }

        return best;
    }
}
