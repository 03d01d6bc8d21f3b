using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Experiments;

/// <summary>What tokens cost, by the name of the model, all in one currency.</summary>
public sealed class ModelPrices
{
    private readonly Dictionary<string, (double Prompt, double Completion)> _prices = new(StringComparer.Ordinal);

    /// <param name="text">
    /// <c>MODEL=READ/WRITTEN</c>, separated by semicolons: what a million tokens that it reads and that it writes cost, each from 0 to
    /// 1,000,000. Empty for no prices. Anything else is <see cref="ErrorKind.Invalid"/>.
    /// </param>
    public ModelPrices(string text)
    {
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            // The last one: the name of a model may hold what a price does not.
            var equals = part.LastIndexOf('=');
            var prices = equals < 0 ? [] : part[(equals + 1)..].Split('/', StringSplitOptions.TrimEntries);
            if (
                equals < 1
                || prices.Length != 2
                || Read(prices[0]) is not { } prompt
                || Read(prices[1]) is not { } completion
                || !_prices.TryAdd(part[..equals].TrimEnd(), (prompt / 1e6, completion / 1e6))
            )
            {
                throw LightningException.Invalid(
                    "prices must be MODEL=READ/WRITTEN, separated by semicolons and each model once, such as gpt-4o=2.5/10, with prices of "
                        + $"a million tokens from 0 to 1000000, but there is '{part}'."
                );
            }
        }
    }

    /// <summary>What a token read and a token written cost; null where a model has no price.</summary>
    public (double Prompt, double Completion)? Of(string model) => _prices.TryGetValue(model, out var price) ? price : null;

    private static double? Read(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var price) && price <= 1_000_000
            ? price
            : null;
}
