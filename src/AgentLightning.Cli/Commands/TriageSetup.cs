using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Commands;

/// <summary>What <c>triage train --mode setup</c> does: shows that examples and agent are there and work.</summary>
internal static class TriageSetup
{
    /// <summary>Writes one line for each part that works; the lines are fixed, because programs read them.</summary>
    public static int Run(TextWriter output)
    {
        var examples = TriageExamples.Training;
        var without = FeedbackCategories.All.Except(examples.Select(example => example.Category)).ToList();
        if (without.Count > 0)
        {
            throw new LightningException(ErrorKind.Corrupt, $"No example has the category {string.Join(", ", without)}.");
        }

        output.WriteLine($"✓ Training dataset ready: {examples.Count} examples");
        var policy = new RuleTriagePolicy();
        var scores = new float[policy.Categories.Count];
        foreach (var example in examples)
        {
            var choice = policy.Score(example.Task.Checked(), scores);
            var analysis = AnalysisWriter.Write(
                example.Task,
                policy.Categories[choice],
                Math.Exp(scores[choice]),
                policy.Explain(example.Task, choice)
            );
            if (TriageReward.Quality(example.Task, analysis) <= 0)
            {
                throw new LightningException(ErrorKind.Corrupt, $"The agent gave example {example.Task.FeedbackId} no usable analysis.");
            }
        }

        output.WriteLine("✓ Analyzer agent code loaded successfully");
        output.WriteLine("✓ Setup test complete!");
        return ExitCodes.Success;
    }
}
