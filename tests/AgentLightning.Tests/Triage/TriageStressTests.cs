using AgentLightning.Triage;

namespace AgentLightning.Tests.Triage;

public sealed class TriageStressTests
{
    [Fact]
    public void The_rules_pass_all_four_tests()
    {
        var result = TriageStress.Run(new RuleTriagePolicy(), CancellationToken.None);

        Assert.All(result.Tests, test => Assert.True(test.Passed, $"{test.Name}: {test.Detail}"));
        Assert.Equal(["performance", "category accuracy", "reward consistency", "error handling"], result.Tests.Select(test => test.Name));
        Assert.Equal((6, 6), (result.RightCategories, result.Cases));
        Assert.Equal((4, 4), (result.HandledFaults, result.Faults));
        Assert.Equal(0, result.RewardDeviation);
    }

    [Fact]
    public void A_policy_that_throws_fails_the_tests_and_not_the_caller()
    {
        var result = TriageStress.Run(new Broken(), CancellationToken.None);

        Assert.False(result.Passed);
        Assert.All(result.Tests, test => Assert.False(test.Passed));
        Assert.Equal(0, result.RightCategories);
        Assert.Contains("broken on purpose", result.Tests[0].Detail, StringComparison.Ordinal);
        // Empty feedback and a rating that there is not are refused before any policy sees them.
        Assert.Equal(2, result.HandledFaults);
    }

    [Fact]
    public void A_policy_that_always_says_the_same_fails_on_accuracy_alone()
    {
        var result = TriageStress.Run(new Stubborn(), CancellationToken.None);

        Assert.Equal(["category accuracy"], result.Tests.Where(test => !test.Passed).Select(test => test.Name));
        Assert.Equal((1, 6), (result.RightCategories, result.Cases));
    }

    [Fact]
    public void A_policy_with_categories_of_its_own_is_not_judged_by_ours()
    {
        var result = TriageStress.Run(new LabelNamePolicy(["bug", "question"]), CancellationToken.None);

        Assert.True(result.Passed);
        Assert.Equal(0, result.Cases);
        Assert.DoesNotContain(result.Tests, test => test.Name == "category accuracy");
    }

    [Fact]
    public void The_examples_show_every_category_and_no_example_is_in_both_parts()
    {
        Assert.Equal(12, TriageExamples.Training.Count);
        Assert.Equal(2, TriageExamples.Training.GroupBy(example => example.Category).Select(group => group.Count()).Distinct().Single());
        Assert.Equal(FeedbackCategories.All.Order(), TriageExamples.Unseen.Select(example => example.Category).Order());
        Assert.Empty(TriageExamples.Training.Select(one => one.Task.Key).Intersect(TriageExamples.Unseen.Select(one => one.Task.Key)));
    }

    private sealed class Broken : ITriagePolicy
    {
        public string Name => "broken";

        public IReadOnlyList<string> Categories => FeedbackCategories.All;

        public int Score(FeedbackTask task, Span<float> logProbabilities) => throw new NotSupportedException("broken on purpose");

        public string Explain(FeedbackTask task, int category) => "";
    }

    private sealed class Stubborn : ITriagePolicy
    {
        public string Name => "stubborn";

        public IReadOnlyList<string> Categories => FeedbackCategories.All;

        public int Score(FeedbackTask task, Span<float> logProbabilities)
        {
            logProbabilities.Fill((float)-Math.Log(Categories.Count));
            return 0;
        }

        public string Explain(FeedbackTask task, int category) => "it always says so";
    }
}
