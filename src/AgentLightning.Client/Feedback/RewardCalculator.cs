namespace AgentLightning.Feedback;

/// <summary>
/// Rewards of chat answers on the scale 0 (bad) … 1 (good): pure functions of what a person did and of what is known of the answer.
/// They reckon in decimals, so that 0.8 + 0.1 + 0.05 is 0.95 and not a little more.
/// </summary>
public static class RewardCalculator
{
    /// <summary>An answer with fewer characters is worth less.</summary>
    public const int ShortBelow = 50;

    /// <summary>An answer with more characters is worth less.</summary>
    public const int LongAbove = 2_000;

    /// <summary>The most that feedback worth nothing can be lifted to by a good-looking answer.</summary>
    public const double MostOfNegative = 0.15;

    private const decimal Neutral = 0.5m;

    /// <summary>
    /// What a person's feedback is worth: the value of its type, +0.1 when the intent was recognised, +0.05 when context was used, −0.1 for
    /// an answer below 50 characters and −0.05 above 2,000, kept within 0…1 after each step. Feedback that is worth 0 by itself (a thumb
    /// down, one star) never gets above 0.15. An unknown type is worth 0.5.
    /// </summary>
    /// <param name="response">Null looks at the feedback alone.</param>
    public static double Explicit(string feedbackType, ResponseSignals? response = null)
    {
        var worth = FeedbackTypes.Worth.GetValueOrDefault(feedbackType, Neutral);
        var reward = worth;
        if (response is not null)
        {
            reward = Within(reward + (response.IntentMatch ? 0.1m : 0));
            reward = Within(reward + (response.UsedContext ? 0.05m : 0));
            reward = Within(
                reward
                    - (
                        response.ResponseLength < ShortBelow ? 0.1m
                        : response.ResponseLength > LongAbove ? 0.05m
                        : 0
                    )
            );
        }

        return (double)(worth == 0 ? Math.Min(reward, (decimal)MostOfNegative) : reward);
    }

    /// <summary>
    /// What an answer is worth that nobody said anything about: 0.5 + (intent_confidence − 0.5)·0.2 + 0.1 with context + 0.05 with
    /// suggested actions + 0.1 for 100…1,500 characters − 0.2 when the user had to ask at once + 0.1 when the conversation went on, within
    /// 0…1.
    /// </summary>
    /// <remarks>A confidence that is not given, or no number, is 0.5; one outside 0…1 is the nearer end.</remarks>
    public static double Implicit(ResponseSignals? response = null, ConversationSignals? conversation = null)
    {
        var reward = Neutral + ((Confidence(response?.IntentConfidence) - 0.5m) * 0.2m);
        reward += response is { UsedContext: true } ? 0.1m : 0;
        reward += response is { SuggestedActions: true } ? 0.05m : 0;
        reward += response is { ResponseLength: >= 100 and <= 1_500 } ? 0.1m : 0;
        reward -= conversation is { ImmediateClarification: true } ? 0.2m : 0;
        reward += conversation is { NaturalContinuation: true } ? 0.1m : 0;
        return (double)Within(reward);
    }

    /// <summary><see cref="Explicit"/> when there is feedback, <see cref="Implicit"/> when there is none.</summary>
    public static double Chat(string? feedbackType, ResponseSignals? response = null, ConversationSignals? conversation = null) =>
        feedbackType is null ? Implicit(response, conversation) : Explicit(feedbackType, response);

    /// <summary>A reward of 0…1 in words.</summary>
    public static string Explain(double reward) =>
        reward switch
        {
            >= 0.9 => "Excellent response - user highly satisfied",
            >= 0.7 => "Good response - user satisfied",
            >= 0.5 => "Acceptable response - neutral feedback",
            >= 0.3 => "Poor response - user somewhat dissatisfied",
            _ => "Bad response - user dissatisfied",
        };

    private static decimal Confidence(double? given) =>
        given is null || double.IsNaN(given.Value) ? 0.5m : (decimal)Math.Clamp(given.Value, 0, 1);

    private static decimal Within(decimal reward) => Math.Clamp(reward, 0, 1);
}
