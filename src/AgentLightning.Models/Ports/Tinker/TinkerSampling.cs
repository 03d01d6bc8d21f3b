using System.Text.Json;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Ports.Tinker;

/// <summary>How sampling is asked for over the wire, and its answers.</summary>
public static class TinkerSampling
{
    /// <param name="seedBits">Bits of a seed that the server takes.</param>
    internal static SamplingParams Of(GenerationOptions options, Tokenizer? tokenizer, int seedBits)
    {
        options.Validate();
        if (
            options.Grammar is not null
            || options.MinP > 0
            || (options.Stop.Count > 0 && (tokenizer is null || options.StopIds is not null))
        )
        {
            throw new ArgumentException(
                "The wire has no word for grammars, min-p, and stop tokens beside stop strings; stop strings need the tokenizer of the "
                    + "model here."
            );
        }

        var ids = options.StopIds ?? tokenizer?.EosIds ?? [];
        JsonElement? stop =
            options.Stop.Count > 0 ? JsonSerializer.SerializeToElement(options.Stop)
            : ids.Count > 0 ? JsonSerializer.SerializeToElement(ids)
            : null;
        return new SamplingParams(
            options.MaxTokens,
            options.Seed & ((1L << seedBits) - 1),
            stop,
            options.Temperature,
            options.TopK == 0 ? -1 : options.TopK,
            options.TopP
        );
    }

    internal static SampledTokens Read(SampledSequence sequence, GenerationOptions options, Tokenizer? tokenizer)
    {
        if (sequence.Logprobs?.Length != sequence.Tokens.Length)
        {
            throw new TinkerException(
                $"The server drew {sequence.Tokens.Length} tokens, but told {sequence.Logprobs?.Length ?? 0} log-probabilities."
            );
        }

        var text = tokenizer is null ? "" : Text(sequence.Tokens, new CompletionText(tokenizer.CreateStreamingDecoder(), options.Stop));
        return new SampledTokens(
            sequence.Tokens,
            sequence.Logprobs,
            text,
            sequence.StopReason == "length" ? FinishReason.Length : FinishReason.Stop
        );
    }

    /// <summary>What a request for samples asks of this engine.</summary>
    /// <exception cref="ArgumentException">Something is not what it should be.</exception>
    public static GenerationOptions Options(SamplingParams sampling)
    {
        var (ids, texts) = Stops(sampling.Stop);
        var options = new GenerationOptions
        {
            MaxTokens = sampling.MaxTokens ?? throw new ArgumentException("'max_tokens' is required."),
            Temperature = sampling.Temperature,
            TopK = sampling.TopK == -1 ? 0 : sampling.TopK,
            TopP = sampling.TopP,
            Seed = sampling.Seed ?? Random.Shared.NextInt64(1L << 31),
            Stop = texts,
            StopIds = ids,
        };
        options.Validate();
        return options;
    }

    /// <summary>The answer.</summary>
    public static SampledSequence Of(SampledTokens drawn) =>
        new([.. drawn.Tokens], [.. drawn.LogProbabilities], drawn.Reason == FinishReason.Length ? "length" : "stop");

    private static (IReadOnlyList<int>? Ids, IReadOnlyList<string> Texts) Stops(JsonElement? stop)
    {
        if (stop is not { } given)
        {
            return (null, []);
        }

        var items = given.ValueKind == JsonValueKind.Array ? [.. given.EnumerateArray()] : (List<JsonElement>)[given];
        return items.All(item => item.ValueKind == JsonValueKind.String) ? (null, [.. items.Select(item => item.GetString()!)])
            : items.All(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out _))
                ? ([.. items.Select(item => item.GetInt32())], [])
            : throw new ArgumentException("'stop' must be token ids or texts, all of one kind.");
    }

    private static string Text(int[] tokens, CompletionText decoder)
    {
        var text = new System.Text.StringBuilder();
        foreach (var token in tokens)
        {
            var (more, stopped) = decoder.Push(token);
            text.Append(more);
            if (stopped)
            {
                return text.ToString();
            }
        }

        return text.Append(decoder.Finish()).ToString();
    }
}
