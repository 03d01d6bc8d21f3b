using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Evaluation;

/// <summary>What a candidate must show before it may serve.</summary>
public sealed record EvaluationGateOptions
{
    /// <summary>How much worse than the baseline the candidate might be at the lower end of the interval, 0…0.5; 0.02 by default.</summary>
    public double Margin { get; init; } = 0.02;

    /// <summary>Fewest held-out items, 10…1,000,000; 30 by default.</summary>
    public int FewestItems { get; init; } = 30;

    /// <summary>
    /// The chance that a candidate that is worse by the margin is let through, over all looks at one held-out set together, 0.001…0.2;
    /// 0.05 by default.
    /// </summary>
    public double Alpha { get; init; } = 0.05;
}

/// <summary>
/// Passes a candidate when the lower bound of the paired difference lies above −margin: it is not worse, beyond what chance explains. The
/// k-th look at a held-out set may spend 1/(k(k + 1)) of the error that is allowed, which is all of it after infinitely many.
/// </summary>
public sealed class EvaluationGate
{
    /// <summary>With 80 % chance a normal value is below this.</summary>
    private const double Power = 0.8416;

    private readonly EvaluationGateOptions _options;

    public EvaluationGate(EvaluationGateOptions options)
    {
        _options = options;
        if (options.Margin is not (>= 0 and <= 0.5))
        {
            throw LightningException.Invalid($"The gate's margin must be from 0 to 0.5, but it is {options.Margin}.");
        }

        if (options.FewestItems is < 10 or > 1_000_000)
        {
            throw LightningException.Invalid($"The gate's fewest items must be from 10 to 1000000, but it is {options.FewestItems}.");
        }

        if (options.Alpha is not (>= 0.001 and <= 0.2))
        {
            throw LightningException.Invalid($"The gate's alpha must be from 0.001 to 0.2, but it is {options.Alpha}.");
        }
    }

    /// <summary>What a look at a held-out set may spend: the chance that the lower end of its interval is wrong.</summary>
    /// <param name="look">Counts from 1.</param>
    public double AlphaOf(long look) => _options.Alpha / ((double)look * (look + 1));

    /// <summary>Judges the first look at a held-out set.</summary>
    public GateVerdict Judge(PairedComparison comparison) => Judge(comparison, 1);

    /// <param name="comparison">Its intervals miss with the chance 2·<see cref="AlphaOf"/> of this look.</param>
    /// <param name="look">The how manyth at this held-out set it is, from 1.</param>
    public GateVerdict Judge(PairedComparison comparison, long look)
    {
        var difference = comparison.Difference;
        var errors = ErrorsOf(difference, look);
        if (difference.N < _options.FewestItems)
        {
            return new(false, $"only {difference.N} held-out items, fewer than {_options.FewestItems}")
            {
                Outcome = GateOutcome.TooSmall,
                Errors = errors,
            };
        }

        var outcome =
            difference.Low > -_options.Margin ? GateOutcome.Passed
            : difference.High < 0 ? GateOutcome.Worse
            : GateOutcome.TooSmall;
        var seen = string.Create(
            CultureInfo.InvariantCulture,
            $"difference {difference.Value:+0.000;-0.000;0.000} [{difference.Low:+0.000;-0.000;0.000}, "
                + $"{difference.High:+0.000;-0.000;0.000}], the lower bound is {(outcome == GateOutcome.Passed ? "above" : "not above")} "
                + $"-{_options.Margin:0.000}"
        );
        return new GateVerdict(outcome == GateOutcome.Passed, seen + MeaningOf(outcome, errors, difference.N))
        {
            Outcome = outcome,
            Errors = errors,
        };
    }

    private static string MeaningOf(GateOutcome outcome, GateErrors errors, int n) =>
        outcome switch
        {
            GateOutcome.Worse => "; it is worse",
            GateOutcome.TooSmall => string.Create(
                CultureInfo.InvariantCulture,
                $"; too small to tell: {n} held-out items show a difference of {errors.Detectable:0.000} and more"
            ) + (errors.ItemsNeeded is { } needed ? $", about {needed} would show the margin" : ""),
            _ => "",
        };

    private GateErrors ErrorsOf(Measurement difference, long look)
    {
        var alpha = AlphaOf(look);
        var z = Distributions.NormalQuantileUpper(alpha);
        // The width on the side that decides, in standard errors.
        var error = Math.Max((difference.Value - difference.Low) / z, 1e-12);
        var detectable = (z + Power) * error;
        var needed = _options.Margin == 0 ? (double?)null : difference.N * Math.Pow(detectable / _options.Margin, 2);
        return new GateErrors(
            look,
            alpha,
            _options.Margin,
            Distributions.NormalUpper(z + (_options.Margin / error)),
            detectable,
            needed is > 0 and < 1e9 ? (long)Math.Ceiling(needed.Value) : null
        );
    }
}
