namespace AgentLightning.Models.Objectives;

/// <summary>One thing to learn from: an answer to a text, and how good it was.</summary>
/// <param name="Text">Index of the text.</param>
/// <param name="Action">Index of the label that was given, or, learning from labels, of the right one.</param>
/// <param name="Reward">How good the answer was, −1…1; 1 when it is the right label.</param>
/// <param name="LogProbability">ln μ(action | text) of whoever gave the answer; 0 for an answer that was certain.</param>
/// <param name="Reference">ln ρ(action | text) of the policy that is not to be left behind, where the objective has one.</param>
/// <param name="Other">Index of the label that <paramref name="Action"/> is preferred to, where the objective compares; −1 for
/// none.</param>
/// <param name="OtherReference">ln ρ(other | text).</param>
public readonly record struct Sample(
    int Text,
    int Action,
    float Reward = 1f,
    float LogProbability = 0f,
    float Reference = 0f,
    int Other = -1,
    float OtherReference = 0f
);

/// <summary>
/// What a policy is trained towards. A pure function of one sample and the policy's opinion of it; it does not know the policy.
/// </summary>
public interface IObjective
{
    /// <summary>
    /// The loss of one sample under log-probabilities ln π(· | text). Writes d loss / d logits to <paramref name="gradient"/>, which has
    /// the same length.
    /// </summary>
    float Evaluate(ReadOnlySpan<float> logProbabilities, in Sample sample, Span<float> gradient);
}
