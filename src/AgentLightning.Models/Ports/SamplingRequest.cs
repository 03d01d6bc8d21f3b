using AgentLightning.Models.Generation;

namespace AgentLightning.Models.Ports;

/// <summary>A prompt to be continued.</summary>
/// <param name="Prompt">At least one token.</param>
/// <param name="Count">Continuations, at least 1.</param>
public sealed record SamplingRequest(int[] Prompt, int Count, GenerationOptions Options);

/// <summary>A continuation.</summary>
/// <param name="Tokens">Every token drawn, the one that ended it included.</param>
/// <param name="LogProbabilities">ln p of each, at the temperature of the request (1 where that is 0).</param>
/// <param name="Text">What they say, without special tokens and stop strings; empty without a tokenizer.</param>
public sealed record SampledTokens(IReadOnlyList<int> Tokens, IReadOnlyList<float> LogProbabilities, string Text, FinishReason Reason);
