using AgentLightning.Common;

namespace AgentLightning.Experiments;

/// <summary>What a model costs, in one currency for all models.</summary>
/// <param name="PromptPerMillion">A million tokens that it reads, 0…1,000,000.</param>
/// <param name="CompletionPerMillion">A million tokens that it writes, 0…1,000,000.</param>
public sealed record ModelPrice(double PromptPerMillion, double CompletionPerMillion);

/// <summary>The prices that are known, by the name of the model.</summary>
public sealed class ModelPrices
{
    private readonly IReadOnlyDictionary<string, ModelPrice> _prices;

    public ModelPrices(IReadOnlyDictionary<string, ModelPrice> prices)
    {
        _prices = prices;
        foreach (var (model, price) in prices)
        {
            if (price is not { PromptPerMillion: >= 0 and <= 1_000_000, CompletionPerMillion: >= 0 and <= 1_000_000 })
            {
                throw LightningException.Invalid(
                    $"The price of '{model}' must be from 0 to 1000000 for a million tokens, but it is {price.PromptPerMillion} and "
                        + $"{price.CompletionPerMillion}."
                );
            }
        }
    }

    /// <summary>What a token read and a token written cost; null where a model has no price.</summary>
    public (double Prompt, double Completion)? Of(string model) =>
        _prices.TryGetValue(model, out var price) ? (price.PromptPerMillion / 1e6, price.CompletionPerMillion / 1e6) : null;
}
