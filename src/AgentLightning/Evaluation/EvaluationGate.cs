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
}

/// <summary>The verdict on a candidate.</summary>
public sealed record GateVerdict(bool Passed, string Reason);

/// <summary>
/// Passes a candidate when the lower bound of the paired difference lies above −margin: it is not worse, beyond what chance explains.
/// </summary>
public sealed class EvaluationGate
{
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
    }

    public GateVerdict Judge(PairedComparison comparison)
    {
        if (comparison.Difference.N < _options.FewestItems)
        {
            return new(
                false,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"only {comparison.Difference.N} held-out items, fewer than {_options.FewestItems}"
                )
            );
        }

        var passed = comparison.Difference.Low > -_options.Margin;
        return new(
            passed,
            string.Create(
                CultureInfo.InvariantCulture,
                $"difference {comparison.Difference.Value:+0.000;-0.000} [{comparison.Difference.Low:+0.000;-0.000}, "
                    + $"{comparison.Difference.High:+0.000;-0.000}], the lower bound is {(passed ? "above" : "not above")} "
                    + $"-{_options.Margin:0.000}"
            )
        );
    }
}
