namespace AgentLightning.Models.Objectives;

/// <summary>Learning from labels: loss = −(1−ε)·ln π(right) − ε/n·Σ ln π(·), with gradient π − target.</summary>
/// <param name="LabelSmoothing">ε, 0…0.5: how much of the target is spread over all n labels. 0 by default.</param>
public sealed record CrossEntropy(float LabelSmoothing = 0f) : IObjective
{
    /// <inheritdoc/>
    public float Evaluate(ReadOnlySpan<float> logProbabilities, in Sample sample, Span<float> gradient)
    {
        var spread = LabelSmoothing / logProbabilities.Length;
        var loss = 0f;
        for (var c = 0; c < logProbabilities.Length; c++)
        {
            var target = spread + (c == sample.Action ? 1 - LabelSmoothing : 0);
            loss -= target * logProbabilities[c];
            gradient[c] = MathF.Exp(logProbabilities[c]) - target;
        }

        return loss;
    }
}
