using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Evaluation;

/// <summary>Both contestants on the same items: their answers, scores and what follows from them.</summary>
internal sealed class EvaluationSession(IReadOnlyList<EvaluationItem> items, IScorer? scorer, Redactor redactor, string agentId)
{
    /// <summary>A label that no right answer is.</summary>
    private const string NoAnswer = "(no answer)";
    private const int Listed = 20;
    private const int LongestAnswer = 200;
    private const int NamedEpisodes = 5;

    private readonly List<Scored> _scored = [];
    private int _baselineFailures;
    private int _candidateFailures;
    private string? _firstFailure;

    /// <summary>Lets both answer every item. One that gives no answer has it counted as wrong.</summary>
    public async Task AnswerAsync(IAnswerer baseline, IAnswerer candidate, CancellationToken cancellationToken)
    {
        foreach (var item in items)
        {
            var (first, _) = await AnswerAsync(baseline, item, cancellationToken).ConfigureAwait(false);
            var (second, failure) = await AnswerAsync(candidate, item, cancellationToken).ConfigureAwait(false);
            _baselineFailures += first is null ? 1 : 0;
            _candidateFailures += second is null ? 1 : 0;
            _firstFailure ??= failure;
            var scores = (
                await ScoreAsync(item, first, cancellationToken).ConfigureAwait(false),
                await ScoreAsync(item, second, cancellationToken).ConfigureAwait(false)
            );
            // Of what cannot be graded nothing is known, for neither.
            if (!double.IsNaN(scores.Item1) && !double.IsNaN(scores.Item2))
            {
                _scored.Add(new Scored(item, first, second, scores.Item1, scores.Item2));
            }
        }

        if (_scored.Count == 0)
        {
            throw LightningException.Conflict($"Of {items.Count} held-out examples none could be graded by '{Metric}'.");
        }
    }

    private string Metric => scorer?.Name ?? PairedComparison.MacroF1Metric;

    public PairedComparison Compare(int seed, double alpha) =>
        scorer is null
            ? PairedComparison.Of(
                _scored.ConvertAll(item => item.Item.Expected!),
                _scored.ConvertAll(item => item.Baseline ?? NoAnswer),
                _scored.ConvertAll(item => item.Candidate ?? NoAnswer),
                seed,
                alpha
            )
            : PairedComparison.OfScores(
                Metric,
                [.. _scored.Select(item => item.BaselineScore)],
                [.. _scored.Select(item => item.CandidateScore)],
                seed,
                alpha
            );

    /// <summary>The verdict, which says also when the candidate failed.</summary>
    public GateVerdict WithFailures(GateVerdict verdict) =>
        _candidateFailures == 0
            ? verdict
            : verdict with
            {
                Reason =
                    $"{verdict.Reason}; it gave no answer to {_candidateFailures} of {items.Count} items, which count as wrong, first: "
                    + _firstFailure,
            };

    public EvaluationDetail Detail()
    {
        var better = _scored.Where(item => item.Gain > 0).OrderByDescending(item => item.Gain).ToList();
        var worse = _scored.Where(item => item.Gain < 0).OrderBy(item => item.Gain).ToList();
        return new EvaluationDetail(
            Metric,
            [
                .. _scored
                    .Where(item => item.Item.Slice is not null)
                    .GroupBy(item => item.Item.Slice!)
                    .OrderBy(slice => slice.Key, StringComparer.Ordinal)
                    .Select(slice => SliceOf(slice.Key, [.. slice])),
            ],
            better.Count,
            worse.Count,
            [.. better.Take(Listed).Select(ScoreOf)],
            [.. worse.Take(Listed).Select(ScoreOf)],
            _baselineFailures,
            _candidateFailures,
            _firstFailure
        );
    }

    private SliceScore SliceOf(string name, IReadOnlyList<Scored> slice) =>
        scorer is null
            ? new SliceScore(name, slice.Count, MacroF1(slice, item => item.Baseline), MacroF1(slice, item => item.Candidate))
            : new SliceScore(name, slice.Count, slice.Average(item => item.BaselineScore), slice.Average(item => item.CandidateScore));

    private static double MacroF1(IReadOnlyList<Scored> slice, Func<Scored, string?> answer) =>
        ClassificationReport
            .Of([.. slice.Select(item => item.Item.Expected!)], [.. slice.Select(item => answer(item) ?? NoAnswer)])
            .MacroF1;

    private ItemScore ScoreOf(Scored scored) =>
        new(
            scored.Item.Key,
            [.. scored.Item.EpisodeIds.Take(NamedEpisodes)],
            Short(scored.Baseline),
            Short(scored.Candidate),
            scored.BaselineScore,
            scored.CandidateScore
        );

    /// <summary>Redacted before it is cut, because the cut may go through a secret.</summary>
    private string? Short(string? answer) =>
        answer is null ? null
        : redactor.Redact(answer.Replace('\0', ' '), agentId) is { Length: > LongestAnswer } longer ? longer[..LongestAnswer]
        : redactor.Redact(answer.Replace('\0', ' '), agentId);

    private async Task<(string? Answer, string? Failure)> AnswerAsync(
        IAnswerer answerer,
        EvaluationItem item,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return (await answerer.AnswerAsync(item, cancellationToken).ConfigureAwait(false), null);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // A model that crashes on an input is worse on it than one that answers, whatever it crashed of.
            return (null, Short($"{e.GetType().Name}: {e.Message}"));
        }
    }

    private async ValueTask<double> ScoreAsync(EvaluationItem item, string? answer, CancellationToken cancellationToken) =>
        answer is null ? 0
        : scorer is null ? (answer == item.Expected ? 1 : 0)
        : await scorer.ScoreAsync(item, answer, cancellationToken).ConfigureAwait(false);

    private sealed record Scored(EvaluationItem Item, string? Baseline, string? Candidate, double BaselineScore, double CandidateScore)
    {
        public double Gain => CandidateScore - BaselineScore;
    }
}
