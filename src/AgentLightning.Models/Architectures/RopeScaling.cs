namespace AgentLightning.Models.Architectures;

/// <summary>How rotary frequencies are stretched beyond the context that a model was first trained on.</summary>
/// <param name="Type"><c>linear</c>: all divided by the factor; <c>llama3</c>: only slow ones, with a smooth transition.</param>
/// <param name="Factor">Greater than 0.</param>
/// <param name="LowFrequencyFactor">Wavelengths beyond original / this are divided in full. Llama 3 only.</param>
/// <param name="HighFrequencyFactor">Wavelengths below original / this are left alone. Llama 3 only.</param>
/// <param name="OriginalPositions">The first context, in tokens. Llama 3 only.</param>
public sealed record RopeScaling(
    string Type,
    double Factor,
    double LowFrequencyFactor = 1,
    double HighFrequencyFactor = 4,
    int OriginalPositions = 8192
)
{
    internal double Apply(double frequency)
    {
        if (Type == "linear")
        {
            return frequency / Factor;
        }

        var wavelength = 2 * Math.PI / frequency;
        var smooth = ((OriginalPositions / wavelength) - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return smooth <= 0 ? frequency / Factor
            : smooth >= 1 ? frequency
            : ((1 - smooth) * frequency / Factor) + (smooth * frequency);
    }
}
