using System.Diagnostics;

namespace AgentLightning.Models.Measurement;

/// <summary>Times of many rounds, in which several things to compare take turns, so that a noisy moment hits all of them.</summary>
internal static class Best
{
    /// <summary>Seconds per action, the shortest of as many rounds as fit in <paramref name="seconds"/>, at least ten.</summary>
    public static double[] Of(double seconds, params ReadOnlySpan<Action> actions)
    {
        var rounds = Rounds(10, seconds, actions);
        return [.. Enumerable.Range(0, actions.Length).Select(i => rounds.Min(round => round[i]))];
    }

    /// <summary>Seconds per round and action; the first rounds, which also compile, are left out.</summary>
    public static List<double[]> Rounds(int least, double seconds, params ReadOnlySpan<Action> actions)
    {
        const int First = 2;
        var rounds = new List<double[]>();
        var start = Stopwatch.GetTimestamp();
        for (var round = -First; round < least || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; round++)
        {
            var times = new double[actions.Length];
            for (var i = 0; i < actions.Length; i++)
            {
                var from = Stopwatch.GetTimestamp();
                actions[i]();
                times[i] = Stopwatch.GetElapsedTime(from).TotalSeconds;
            }

            if (round >= 0)
            {
                rounds.Add(times);
            }
        }

        return rounds;
    }

    /// <summary>The middle of many.</summary>
    public static double Median(this IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
