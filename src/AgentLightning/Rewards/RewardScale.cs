using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Rewards;

/// <summary>A scale that rewards are given on, from the worst to the best value; as text <c>0..1</c>.</summary>
public sealed record RewardScale
{
    public RewardScale(double min, double max)
    {
        if (!double.IsFinite(min) || !double.IsFinite(max) || max < min)
        {
            throw LightningException.Invalid(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A scale must go from its least to its greatest value, both numbers, but it goes from {min} to {max}."
                )
            );
        }

        (Min, Max) = (min, max);
    }

    /// <summary>The scale of chat feedback and of most evaluators.</summary>
    public static RewardScale Unit { get; } = new(0, 1);

    public double Min { get; }

    public double Max { get; }

    /// <summary>Reads <c>min..max</c>, for example <c>1..5</c> or <c>-1..1</c>.</summary>
    public static RewardScale Parse(string text)
    {
        var parts = text.Split("..");
        return parts.Length == 2 && TryNumber(parts[0], out var min) && TryNumber(parts[1], out var max)
            ? new RewardScale(min, max)
            : throw LightningException.Invalid(
                $"scale must be the least and the greatest value, such as 0..1 or 1..5, but it is '{text}'."
            );
    }

    /// <summary>
    /// A value of this scale on −1…1: (value − min) / (max − min) · 2 − 1, and 0 where there is but one value. One outside is
    /// <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public double ToCanonical(double value, string name = "raw_value")
    {
        if (!(value >= Min && value <= Max))
        {
            throw LightningException.Invalid(
                string.Create(CultureInfo.InvariantCulture, $"{name} must be a number from {Min} to {Max}, but it is {value}.")
            );
        }

        // Halved first: the width of the widest scales is no number.
        return Max == Min ? 0 : Math.Clamp((((value / 2) - (Min / 2)) / ((Max / 2) - (Min / 2)) * 2) - 1, -1, 1);
    }

    /// <summary>A canonical value on this scale.</summary>
    public double FromCanonical(double value) => Min + ((value + 1) / 2 * (Max - Min));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Min}..{Max}");

    private static bool TryNumber(string text, out double number) =>
        double.TryParse(
            text,
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture,
            out number
        );
}
