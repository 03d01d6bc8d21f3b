using System.Text;
using AgentLightning.Common;

namespace AgentLightning.Evaluation;

/// <summary>Metrics that compare an answer with the expected one by their words alone.</summary>
public static class TextScorers
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["exact_match", "normalised_match", "token_f1"];

    /// <summary>The scorer of a name; null when there is none.</summary>
    public static IScorer? Find(string name) =>
        name switch
        {
            "exact_match" => new TextScorer(name, (given, expected) => given.Trim() == expected.Trim() ? 1 : 0),
            "normalised_match" => new TextScorer(name, (given, expected) => Normalised(given) == Normalised(expected) ? 1 : 0),
            "token_f1" => new TextScorer(name, TokenF1),
            _ => null,
        };

    /// <summary>
    /// Lower case, without punctuation and the articles a, an and the, one blank between words: what the answers of SQuAD are compared in.
    /// </summary>
    public static string Normalised(string text) => string.Join(' ', Words(text));

    /// <summary>The harmonic mean of how many words of the answer are expected, and how many expected ones it has, as in SQuAD.</summary>
    private static double TokenF1(string given, string expected)
    {
        var (mine, right) = (Words(given), Words(expected));
        if (mine.Count == 0 || right.Count == 0)
        {
            return mine.Count == right.Count ? 1 : 0;
        }

        var left = right.GroupBy(word => word).ToDictionary(group => group.Key, group => group.Count());
        var common = 0;
        foreach (var word in mine)
        {
            if (left.TryGetValue(word, out var count) && count > 0)
            {
                left[word] = count - 1;
                common++;
            }
        }

        return 2.0 * common / (mine.Count + right.Count);
    }

    private static List<string> Words(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            plain.Append(char.IsPunctuation(c) ? ' ' : char.ToLowerInvariant(c));
        }

        return
        [
            .. plain
                .ToString()
                .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                .Where(word => word is not ("a" or "an" or "the")),
        ];
    }

    private sealed class TextScorer(string name, Func<string, string, double> score) : IScorer
    {
        public string Name => name;

        public bool NeedsExpected => true;

        public ValueTask<double> ScoreAsync(EvaluationItem item, string answer, CancellationToken cancellationToken) =>
            ValueTask.FromResult(
                score(answer, item.Expected ?? throw LightningException.Conflict($"The item {item.Key} has no expected answer."))
            );
    }
}
