using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Output;

/// <summary>What <c>triage stress</c> found, for people: the paths of rules and model apart, since they have little in common.</summary>
internal static class StressReport
{
    public static string Of(IReadOnlyList<(string Path, StressResult Result)> paths, DateTimeOffset now)
    {
        var text = new StringBuilder();
        var tests = paths.SelectMany(path => path.Result.Tests).ToList();
        Line($"# Stress test of the triage agent");
        Line($"");
        Line($"- Date: {now:yyyy-MM-dd HH:mm} UTC");
        Line($"- Tests passed: {tests.Count(test => test.Passed)} of {tests.Count}");
        foreach (var (path, result) in paths)
        {
            Line($"");
            Line($"## {path}: {result.Policy}");
            Line($"");
            Line($"| metric | value |");
            Line($"|---|---|");
            Line($"| mean time of an analysis | {result.MeanMs:0.0000} ms |");
            Line($"| its median, 95 % and most | {result.MedianMs:0.0000}, {result.P95Ms:0.0000} and {result.MaxMs:0.0000} ms |");
            Line($"| memory kept after {TriageStress.Analyses} analyses | {result.MemoryMb:0.000} MB |");
            Line($"| categories right | {result.RightCategories} of {result.Cases} |");
            Line($"| standard deviation of the reward | {result.RewardDeviation:0.000} |");
            Line($"| hard inputs handled | {result.HandledFaults} of {result.Faults} |");
            Line($"");
            foreach (var test in result.Tests)
            {
                Line($"- {(test.Passed ? "PASS" : "FAIL")} {test.Name}: {test.Detail}");
            }
        }

        Line($"");
        Line($"## Environment");
        Line($"");
        Line($"- {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}");
        Line($"- {Environment.ProcessorCount} processors");
        Line($"");
        Line($"## Limitations");
        Line($"");
        Line($"- Times are those of this machine and of one caller; they say nothing of a server under load.");
        Line($"- {TriageExamples.Unseen.Count} cases show that a category is recognised at all, not how often.");
        if (!paths.Any(path => path.Result.Policy != RuleTriagePolicy.PolicyName))
        {
            Line($"- No model was tried, only the rules: give its folder with --model.");
        }

        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
