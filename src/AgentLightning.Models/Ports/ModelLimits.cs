using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Ports;

/// <summary>What a model takes; null where it is not known.</summary>
/// <param name="VocabularySize">Tokens are below it.</param>
/// <param name="MaxPositions">Longest context, in tokens.</param>
public sealed record ModelLimits(int? VocabularySize, int? MaxPositions)
{
    internal void CheckTokens(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
        {
            if (token < 0 || token >= VocabularySize)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(tokens),
                    token,
                    TokenChecks.OutOfVocabulary("token", token, VocabularySize ?? int.MaxValue)
                );
            }
        }
    }
}
