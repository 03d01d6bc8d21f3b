using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// The weight of an n-gram in the bag: (1 + ln tf)·idf, each group normalised to a fixed length (Salton and Buckley, 1988).
/// </summary>
internal static class BagWeights
{
    private static readonly float[] s_logCounts = [.. Enumerable.Range(0, 256).Select(n => n == 0 ? 0f : 1 + MathF.Log(n))];

    public static float Raw(int count, float inverseDocumentFrequency) =>
        (count < s_logCounts.Length ? s_logCounts[count] : 1 + MathF.Log(count)) * inverseDocumentFrequency;

    /// <summary>What brings a group with this sum of squared raw weights to its length.</summary>
    public static float GroupScale(FeatureGroup group, float squares) => squares > 0 ? LengthOf(group) / MathF.Sqrt(squares) : 0;

    private static float LengthOf(FeatureGroup group) =>
        group switch
        {
            FeatureGroup.TitleWords or FeatureGroup.TitleCharacters or FeatureGroup.TitleFacts => 0.7f,
            FeatureGroup.BodyCharacters => 1.4f,
            FeatureGroup.Facts => 0.5f,
            _ => 1f,
        };
}
