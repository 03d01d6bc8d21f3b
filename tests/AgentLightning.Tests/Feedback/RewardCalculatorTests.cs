using AgentLightning.Feedback;

namespace AgentLightning.Tests.Feedback;

public sealed class RewardCalculatorTests
{
    [Theory]
    [InlineData("thumbs_up", 1.0)]
    [InlineData("thumbs_down", 0.0)]
    [InlineData("rating_5", 1.0)]
    [InlineData("rating_4", 0.8)]
    [InlineData("rating_3", 0.5)]
    [InlineData("rating_2", 0.3)]
    [InlineData("rating_1", 0.0)]
    [InlineData("regenerate", 0.2)]
    [InlineData("copy", 1.0)]
    [InlineData("follow_up", 0.7)]
    [InlineData("applause", 0.5)]
    public void Feedback_alone_is_worth_exactly_what_its_type_is(string type, double reward) =>
        Assert.Equal(reward, RewardCalculator.Explicit(type));

    [Theory]
    [InlineData("rating_4", true, false, null, 0.9)]
    [InlineData("rating_4", false, true, null, 0.85)]
    [InlineData("rating_4", true, true, null, 0.95)]
    [InlineData("rating_4", false, false, 30, 0.7)]
    [InlineData("rating_4", false, false, 2_500, 0.75)]
    [InlineData("rating_4", false, false, 49, 0.7)]
    [InlineData("rating_4", false, false, 50, 0.8)]
    [InlineData("rating_4", false, false, 2_000, 0.8)]
    [InlineData("rating_4", false, false, 2_001, 0.75)]
    [InlineData("rating_4", true, true, 500, 0.95)]
    [InlineData("thumbs_up", true, true, null, 1.0)]
    [InlineData("thumbs_up", true, true, 0, 0.9)]
    [InlineData("rating_5", true, true, 10, 0.9)]
    [InlineData("regenerate", true, true, null, 0.35)]
    [InlineData("thumbs_down", false, false, 10, 0.0)]
    [InlineData("thumbs_down", true, true, null, 0.15)]
    [InlineData("rating_1", true, true, 500, 0.15)]
    [InlineData("rating_1", true, false, null, 0.1)]
    [InlineData("applause", true, true, 10, 0.55)]
    public void What_is_known_of_the_answer_moves_the_reward_by_exact_steps(
        string type,
        bool intent,
        bool context,
        int? length,
        double reward
    ) => Assert.Equal(reward, RewardCalculator.Explicit(type, new ResponseSignals(length, intent, context)));

    [Fact]
    public void A_length_that_is_not_given_costs_nothing() =>
        Assert.Equal(1.0, RewardCalculator.Explicit("thumbs_up", new ResponseSignals(IntentMatch: true, UsedContext: true)));

    [Theory]
    [InlineData(null, false, false, null, false, false, 0.5)]
    [InlineData(1.0, false, false, null, false, false, 0.6)]
    [InlineData(0.0, false, false, null, false, false, 0.4)]
    [InlineData(0.9, true, false, null, false, false, 0.68)]
    [InlineData(null, true, false, null, false, false, 0.6)]
    [InlineData(null, false, true, null, false, false, 0.55)]
    [InlineData(null, false, false, 99, false, false, 0.5)]
    [InlineData(null, false, false, 100, false, false, 0.6)]
    [InlineData(null, false, false, 1_500, false, false, 0.6)]
    [InlineData(null, false, false, 1_501, false, false, 0.5)]
    [InlineData(null, false, false, null, true, false, 0.3)]
    [InlineData(null, false, false, null, false, true, 0.6)]
    [InlineData(1.0, true, true, 500, false, true, 0.95)]
    [InlineData(0.0, false, false, 10, true, false, 0.2)]
    [InlineData(7.0, false, false, null, false, false, 0.6)]
    [InlineData(double.NaN, false, false, null, false, false, 0.5)]
    public void An_answer_that_nobody_judged_gets_the_reward_of_its_signals(
        double? confidence,
        bool context,
        bool actions,
        int? length,
        bool clarification,
        bool continuation,
        double reward
    ) =>
        Assert.Equal(
            reward,
            RewardCalculator.Implicit(
                new ResponseSignals(length, false, context, confidence, actions),
                new ConversationSignals(clarification, continuation)
            )
        );

    [Fact]
    public void What_a_person_says_wins_over_the_signals_and_the_bonuses_of_the_answer_still_apply()
    {
        var response = new ResponseSignals(IntentMatch: true, UsedContext: true, IntentConfidence: 1);

        Assert.Equal(0.95, RewardCalculator.Chat("rating_4", response, new ConversationSignals(ImmediateClarification: true)));
        Assert.Equal(0.5, RewardCalculator.Chat(null, response, new ConversationSignals(ImmediateClarification: true)));
    }

    [Theory]
    [InlineData(1.0, "Excellent response - user highly satisfied")]
    [InlineData(0.9, "Excellent response - user highly satisfied")]
    [InlineData(0.89, "Good response - user satisfied")]
    [InlineData(0.7, "Good response - user satisfied")]
    [InlineData(0.5, "Acceptable response - neutral feedback")]
    [InlineData(0.3, "Poor response - user somewhat dissatisfied")]
    [InlineData(0.29, "Bad response - user dissatisfied")]
    [InlineData(0.0, "Bad response - user dissatisfied")]
    public void A_reward_is_explained_in_words(double reward, string words) => Assert.Equal(words, RewardCalculator.Explain(reward));

    [Fact]
    public void No_feedback_and_no_signals_lead_out_of_the_scale()
    {
        var random = new Random(20_261_121);
        string?[] types = [.. FeedbackTypes.All, "", "unknown", "THUMBS_UP", null];
        double?[] confidences =
        [
            null,
            double.NaN,
            double.NegativeInfinity,
            double.PositiveInfinity,
            double.MaxValue,
            double.Epsilon,
            -1,
            0.3,
        ];
        for (var i = 0; i < 20_000; i++)
        {
            var response =
                random.Next(8) == 0
                    ? null
                    : new ResponseSignals(
                        random.Next(3) == 0 ? null : random.Next(-5, 4_000),
                        random.Next(2) == 0,
                        random.Next(2) == 0,
                        random.Next(2) == 0 ? random.NextDouble() : confidences[random.Next(confidences.Length)],
                        random.Next(2) == 0
                    );
            var conversation = new ConversationSignals(random.Next(2) == 0, random.Next(2) == 0);
            var type = types[random.Next(types.Length)];

            var reward = RewardCalculator.Chat(type, response, conversation);

            Assert.True(reward is >= 0 and <= 1, $"{type} {response} {conversation}: {reward}");
            Assert.True(type is not ("thumbs_down" or "rating_1") || reward <= 0.15, $"{type} {response}: {reward}");
        }
    }

    [Theory]
    [InlineData("rating_1", 1)]
    [InlineData("rating_5", 5)]
    [InlineData("thumbs_up", null)]
    [InlineData("rating_6", null)]
    public void Ratings_know_their_stars(string type, int? stars) => Assert.Equal(stars, FeedbackTypes.StarsOf(type));
}
