using System.Globalization;
using System.Text.RegularExpressions;
using AgentLightning.Capture;

namespace AgentLightning.Cli.Output;

/// <summary>
/// What became of the lines of an import. The lines that were refused are counted by reason: the first few are told as they are, a hundred
/// thousand of one kind are one line.
/// </summary>
internal sealed partial class ImportSummary
{
    private const int ToldOneByOne = 10;
    private const int KeptForPrograms = 1_000;
    private readonly List<RejectedLine> _first = [];
    private readonly Dictionary<string, (long Count, long FirstLine)> _reasons = [];

    public long Accepted { get; private set; }

    public long Duplicates { get; private set; }

    public long Refused { get; private set; }

    /// <param name="numberOf">The number in the file of a line that the outcome counts.</param>
    public void Add(CaptureOutcome outcome, Func<int, int> numberOf)
    {
        (Accepted, Duplicates) = (Accepted + outcome.Accepted, Duplicates + outcome.Duplicates);
        foreach (var refused in outcome.Rejected)
        {
            Refuse(refused with { Line = numberOf(refused.Line) });
        }
    }

    public void Refuse(RejectedLine line)
    {
        Refused++;
        if (_first.Count < KeptForPrograms)
        {
            _first.Add(line);
        }

        var reason = Own().Replace(line.Error, "…");
        _reasons[reason] = _reasons.TryGetValue(reason, out var seen) ? seen with { Count = seen.Count + 1 } : (1, line.Line);
    }

    /// <summary>For programs: of the refused lines the first 1,000 one by one, all of them by reason.</summary>
    public object ToJson() =>
        new
        {
            accepted = Accepted,
            duplicates = Duplicates,
            rejected = _first,
            refused = Refused,
            reasons = _reasons
                .OrderByDescending(reason => reason.Value.Count)
                .Select(reason => new
                {
                    error = reason.Key,
                    count = reason.Value.Count,
                    first_line = reason.Value.FirstLine,
                }),
        };

    public string Describe() =>
        string.Create(CultureInfo.InvariantCulture, $"{Accepted} records stored, {Duplicates} were there already, {Refused} refused");

    /// <summary>Why lines were refused, in as many lines as people read.</summary>
    public IEnumerable<string> DescribeRefused()
    {
        foreach (var line in _first.Take(ToldOneByOne))
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"line {line.Line}: {line.Error}");
        }

        if (Refused <= ToldOneByOne)
        {
            yield break;
        }

        yield return "All that were refused, by reason:";
        foreach (var (reason, (count, first)) in _reasons.OrderByDescending(reason => reason.Value.Count).Take(ToldOneByOne))
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{count, 8:N0} lines, the first is {first}: {reason}");
        }
    }

    /// <summary>What is of one line and not of its kind: what stands between quotes, ids, numbers.</summary>
    [GeneratedRegex(@"'[^']*'|(?<=[Ee]pisode )\S+(?= not found)|(?<=id )\S+(?= is taken)|\b[\w.-]*\d[\w.-]*\b")]
    private static partial Regex Own();
}
