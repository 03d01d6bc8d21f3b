using AgentLightning.Cli.Input;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Tests;

public sealed class BundledFeedbackTests
{
    private static readonly IReadOnlyList<LabelledItem> s_items = [.. BundledFeedback.Read()];

    [Fact]
    public void There_are_hundreds_of_items_that_all_say_something_else()
    {
        Assert.InRange(s_items.Count, 300, 2_000);
        Assert.Equal(s_items.Count, s_items.DistinctBy(item => item.Task.Key).Count());
        Assert.Equal(s_items.Count, s_items.DistinctBy(item => item.Task.FeedbackId).Count());
    }

    [Fact]
    public void Every_category_and_every_severity_is_there_in_numbers()
    {
        Assert.Equal(FeedbackCategories.All.Order(), s_items.Select(item => item.Label).Distinct().Order());
        Assert.All(s_items.CountBy(item => item.Label), category => Assert.InRange(category.Value, 50, 200));
        Assert.All(Enum.GetValues<Severity>(), severity => Assert.InRange(s_items.Count(item => item.Severity == severity), 20, 500));
    }

    [Fact]
    public void Items_are_short_and_long_and_not_only_in_english()
    {
        var lengths = s_items.Select(item => item.Task.Comment.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length).ToList();

        Assert.InRange(lengths.Count(words => words < 8), 60, 400);
        Assert.InRange(lengths.Count(words => words > 35), 60, 400);
        Assert.InRange(s_items.Count(item => item.Task.Comment.Any(c => c > 0x7F && char.IsLetter(c))), 30, 300);
    }

    [Fact]
    public void No_item_begins_like_many_others()
    {
        var beginnings = s_items
            .Select(item => item.Task.Comment.ToLowerInvariant().Split((char[]?)null, 5, StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length == 5)
            .CountBy(words => string.Join(' ', words[..4]));

        Assert.All(beginnings, beginning => Assert.InRange(beginning.Value, 1, 3));
    }
}
