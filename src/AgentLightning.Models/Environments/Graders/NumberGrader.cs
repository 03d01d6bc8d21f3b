using System.Globalization;
using System.Text.RegularExpressions;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>1 when the last number of a text is another, up to a tolerance; 0 when it is not, or there is none.</summary>
/// <param name="tolerance">Largest difference, 0 or more.</param>
/// <param name="relativeTolerance">Largest difference as a share of the right number, 0 or more; either is enough.</param>
internal sealed partial class NumberGrader(GraderTemplate input, GraderTemplate reference, double tolerance, double relativeTolerance)
    : IGrader
{
    public ValueTask<double> GradeAsync(GraderInput graded, CancellationToken cancellationToken)
    {
        var right = reference.Fill(graded);
        var wanted = Last(right) ?? throw new InvalidDataException($"The reference '{right}' has no number.");
        var passes =
            Last(input.Fill(graded)) is { } given && Math.Abs(given - wanted) <= Math.Max(tolerance, relativeTolerance * Math.Abs(wanted));
        return ValueTask.FromResult(passes ? 1.0 : 0);
    }

    /// <summary>The last number of a text; commas between groups of three digits are taken out.</summary>
    internal static double? Last(string text) =>
        Numbers().Matches(text) is { Count: > 0 } matches
        && double.TryParse(
            matches[^1].Value.Replace(",", "", StringComparison.Ordinal),
            NumberStyles.Float,
            CultureInfo.InvariantCulture,
            out var value
        )
        && double.IsFinite(value)
            ? value
            : null;

    [GeneratedRegex(
        @"(?<![\w.])[-+]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?",
        RegexOptions.None,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Numbers();
}
