using System.Globalization;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Ports.Tinker;

/// <summary>
/// The losses that the wire has words for. They are sums over tokens; clipping is told by the bounds of the ratio itself, and a token whose
/// advantage is 0 teaches nothing.
/// </summary>
/// <param name="Name">As the wire names it.</param>
/// <param name="Config">Settings of the loss; null where it has none.</param>
public sealed record TinkerLoss(string Name, IReadOnlyDictionary<string, double>? Config = null)
{
    /// <summary>−Σ weight · ln π.</summary>
    public const string CrossEntropy = "cross_entropy";

    /// <summary>−Σ r · A.</summary>
    public const string ImportanceSampling = "importance_sampling";

    /// <summary>−Σ min(r · A, clip(r) · A).</summary>
    public const string Ppo = "ppo";

    /// <summary>−Σ clip(r) · A · ln π, the weight held constant.</summary>
    public const string Cispo = "cispo";

    private const string Low = "clip_low_threshold",
        High = "clip_high_threshold";
    private const string Usable =
        "Over this wire these methods can be used: grpo, dr_grpo, dapo, bnpo, cispo and reinforce++, at temperature 1, without β, entropy "
        + "bonus and largest ratio.";

    /// <summary>All that <see cref="Objective"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [CrossEntropy, ImportanceSampling, Ppo, Cispo];

    /// <summary>Bounds of the ratio where the request has none.</summary>
    private static (double Low, double High) Bounds(string name) => name == Ppo ? (0.8, 1.2) : (0, 4);

    /// <summary>
    /// The wire's loss for an objective, and what the advantage of each token of a sequence is multiplied by to make a sum of it.
    /// </summary>
    /// <exception cref="ArgumentException">The wire has no word for it; the message names what can be used.</exception>
    public static (TinkerLoss Loss, Func<int, UpdateSize, double> Weight) Of(ISequenceObjective objective) =>
        objective switch
        {
            GroupPolicyLoss { BySequence: false, Beta: 0, EntropyBonus: 0, MostRatio: double.PositiveInfinity } loss => (
                new TinkerLoss(Ppo, Settings(1 - loss.ClipLow, 1 + loss.ClipHigh)),
                (tokens, whole) => loss.Aggregation.Weight(tokens, whole.Tokens, whole)
            ),
            TruncatedWeightLoss { Beta: 0, EntropyBonus: 0 } loss => (
                new TinkerLoss(Cispo, Settings(loss.LeastRatio, loss.MostRatio)),
                (_, whole) => 1.0 / whole.Tokens
            ),
            LikelihoodLoss { Dynamic: false } => (new TinkerLoss(CrossEntropy), (_, whole) => 1.0 / whole.Tokens),
            ActorCriticLoss => throw Refusal("values (ppo)"),
            SequenceRatioLoss or GroupPolicyLoss { BySequence: true } => throw Refusal("ratios of whole sequences (rloo, gspo)"),
            GroupPolicyLoss { Beta: > 0 } or TruncatedWeightLoss { Beta: > 0 } => throw Refusal("staying near a reference (β)"),
            GroupPolicyLoss { EntropyBonus: > 0 } or TruncatedWeightLoss { EntropyBonus: > 0 } => throw Refusal("an entropy bonus"),
            GroupPolicyLoss => throw Refusal("a largest ratio for bad tokens"),
            _ => throw Refusal($"'{objective.GetType().Name}'"),
        };

    /// <summary>The objective of a loss that a request names.</summary>
    /// <exception cref="ArgumentException">There is no such loss or setting, or a setting is out of range.</exception>
    public static ISequenceObjective Objective(string name, IReadOnlyDictionary<string, double>? config)
    {
        if (!Names.Contains(name))
        {
            throw new ArgumentException($"There is no loss '{Brief(name)}' here. There are: {string.Join(", ", Names)}.");
        }

        var clips = name is Ppo or Cispo;
        if (config?.Keys.FirstOrDefault(key => !clips || key is not (Low or High)) is { } unknown)
        {
            throw new ArgumentException(
                $"The loss '{name}' has no setting '{Brief(unknown)}'. {(clips ? $"It has {Low} and {High}." : "It has none.")}"
            );
        }

        var (low, high) = (
            config?.GetValueOrDefault(Low, Bounds(name).Low) ?? Bounds(name).Low,
            config?.GetValueOrDefault(High, Bounds(name).High) ?? Bounds(name).High
        );
        if (clips && !(low >= 0 && low <= 1 && high >= 1 && double.IsFinite(high)))
        {
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Low} must be 0 to 1 and {High} 1 or more, the bounds of the ratio itself, but they are {low} and {high}."
                )
            );
        }

        return new TokenSum(
            name switch
            {
                CrossEntropy => new LikelihoodLoss(),
                ImportanceSampling => new GroupPolicyLoss(ClipLow: 1, ClipHigh: double.PositiveInfinity),
                Ppo => new GroupPolicyLoss(ClipLow: 1 - low, ClipHigh: high - 1),
                _ => new TruncatedWeightLoss(high, LeastRatio: low),
            }
        );
    }

    /// <summary>Makes sure that log-probabilities are meant as the wire means them.</summary>
    internal static void CheckTemperature(float temperature)
    {
        if (temperature != 1)
        {
            throw Refusal(string.Create(CultureInfo.InvariantCulture, $"training at temperature {temperature}"));
        }
    }

    internal static string Brief(string text) => text.Length > 60 ? string.Concat(text.AsSpan(0, 60), "…") : text;

    private static ArgumentException Refusal(string what) => new($"The wire has no word for {what}. {Usable}");

    private static Dictionary<string, double> Settings(double low, double high) =>
        new(StringComparer.Ordinal) { [Low] = low, [High] = high };
}
