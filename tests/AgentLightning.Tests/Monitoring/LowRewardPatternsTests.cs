using AgentLightning.Monitoring;

namespace AgentLightning.Tests.Monitoring;

public sealed class LowRewardPatternsTests
{
    [Fact]
    public void A_kind_that_is_surely_worse_is_found_and_the_worst_is_first()
    {
        var found = Find(
            ("billing", "homeowner", "m", 200, 0.6),
            ("repair", "homeowner", "m", 200, 0.2),
            ("refund", "homeowner", "m", 200, -0.5)
        );

        Assert.Equal(["refund"], found);
        Assert.Equal(
            ["refund", "repair"],
            Find(("billing", "homeowner", "m", 2_000, 0.6), ("repair", "homeowner", "m", 200, 0.2), ("refund", "homeowner", "m", 200, -0.5))
        );
    }

    [Fact]
    public void A_few_bad_rewards_do_not_shout()
    {
        Assert.Empty(Find(("billing", "", "m", 1_000, 0.6), ("refund", "", "m", LowRewardPatterns.FewestRewards - 1, -1)));
        Assert.NotEmpty(Find(("billing", "", "m", 1_000, 0.6), ("refund", "", "m", LowRewardPatterns.FewestRewards, -1)));
    }

    [Fact]
    public void What_lies_within_chance_is_no_pattern() =>
        Assert.Empty(Find(("a", "", "m", 50, 0.5), ("b", "", "m", 50, 0.45), ("c", "", "m", 50, 0.4)));

    [Fact]
    public void A_kind_is_named_by_as_few_parts_as_tell_it()
    {
        // Everybody is unhappy with refunds: the personas add nothing.
        Assert.Equal(
            ["refund"],
            Find(
                ("refund", "homeowner", "m", 200, -0.5),
                ("refund", "contractor", "m", 200, -0.5),
                ("billing", "homeowner", "m", 200, 0.5),
                ("billing", "contractor", "m", 200, 0.5)
            )
        );
    }

    [Fact]
    public void A_kind_inside_another_is_found_when_it_is_worse_than_what_is_around_it()
    {
        var found = Find(
            ("refund", "homeowner", "m", 200, 0.1),
            ("refund", "contractor", "m", 200, -0.9),
            ("billing", "homeowner", "m", 200, 0.5),
            ("billing", "contractor", "m", 200, 0.5)
        );

        Assert.Equal("refund contractor", found[0]);
        Assert.Contains("refund", found);
        Assert.DoesNotContain("refund homeowner", found);
    }

    [Fact]
    public void Of_equal_chance_alone_hardly_ever_a_pattern_comes()
    {
        var random = new Random(20_261_121);
        var shouts = 0;
        for (var round = 0; round < 200; round++)
        {
            var cells = new List<TotalsGroup>();
            for (var cell = 0; cell < 12; cell++)
            {
                var values = Enumerable.Range(0, random.Next(5, 80)).Select(_ => random.Next(3) == 0 ? -1.0 : 1.0).ToList();
                cells.Add(
                    new TotalsGroup(
                        null,
                        $"m{cell % 2}",
                        $"i{cell % 3}",
                        $"p{cell % 4}",
                        new RewardTotals(values.Count, 0, values.Count, values.Sum(), values.Sum(v => v * v), 0, 0)
                    )
                );
            }

            shouts += LowRewardPatterns.Find(cells).Count > 0 ? 1 : 0;
        }

        // 200 periods of about 40 kinds each, at one in a thousand.
        Assert.InRange(shouts, 0, 20);
    }

    [Fact]
    public void Nothing_and_one_kind_alone_have_no_pattern()
    {
        Assert.Empty(Find());
        Assert.Empty(Find(("a", "", "m", 1_000, -1)));
    }

    private static List<string> Find(params (string Intent, string Persona, string Model, int Rewards, double Mean)[] cells) =>
        [
            .. LowRewardPatterns
                .Find([
                    .. cells.Select(cell => new TotalsGroup(
                        null,
                        cell.Model,
                        cell.Intent,
                        cell.Persona,
                        new RewardTotals(
                            cell.Rewards,
                            0,
                            cell.Rewards,
                            cell.Rewards * cell.Mean,
                            cell.Rewards * ((cell.Mean * cell.Mean) + 0.04),
                            0,
                            0
                        )
                    )),
                ])
                .Select(low =>
                    string.Join(' ', new[] { low.Group.Intent, low.Group.Persona, low.Group.Model }.Where(part => part is not null))
                ),
        ];
}
