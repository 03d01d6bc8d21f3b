namespace AgentLightning.Models.Environments.Graders;

/// <summary>Measures of how alike two texts are, 0…1. Words are runs of letters and digits in lower case.</summary>
internal static class TextSimilarity
{
    /// <summary>
    /// 2 · longest common subsequence of characters / (both lengths): what is left when only inserting and deleting count. Two empty texts
    /// are the same.
    /// </summary>
    public static double Fuzzy(string a, string b) =>
        a.Length + b.Length == 0 ? 1 : 2.0 * CommonSubsequence<char>(a, b) / (a.Length + b.Length);

    /// <summary>F1 of n-grams (Lin, 2004).</summary>
    public static double Rouge(string text, string reference, int n)
    {
        var (given, wanted) = (NGrams(Words(text), n), NGrams(Words(reference), n));
        return F1(Overlap(given, wanted), given.Values.Sum(), wanted.Values.Sum());
    }

    /// <summary>F1 of the longest common subsequence of words.</summary>
    public static double RougeL(string text, string reference)
    {
        var (given, wanted) = (Words(text), Words(reference));
        return F1(CommonSubsequence<string>(given, wanted), given.Length, wanted.Length);
    }

    /// <summary>
    /// Geometric mean of the precisions of n-grams up to four words, or as many as the text has, times a penalty for brevity (Papineni et
    /// al., 2002). A precision of 0 becomes half of the last one before it.
    /// </summary>
    public static double Bleu(string text, string reference)
    {
        var (given, wanted) = (Words(text), Words(reference));
        var order = Math.Min(4, given.Length);
        if (order == 0 || Overlap(NGrams(given, 1), NGrams(wanted, 1)) == 0)
        {
            return 0;
        }

        double sum = 0,
            smooth = 1;
        for (var n = 1; n <= order; n++)
        {
            var (grams, total) = (NGrams(given, n), given.Length - n + 1.0);
            var overlap = Overlap(grams, NGrams(wanted, n));
            smooth = overlap == 0 ? smooth / 2 : smooth;
            sum += Math.Log(overlap == 0 ? smooth / total : overlap / total);
        }

        return Math.Min(1, Math.Exp(1 - ((double)wanted.Length / given.Length))) * Math.Exp(sum / order);
    }

    /// <summary>The lesser of precision and recall over all n-grams up to four words (Wu et al., 2016).</summary>
    public static double Gleu(string text, string reference)
    {
        var (given, wanted) = (Words(text), Words(reference));
        double overlap = 0,
            most = 0;
        for (var n = 1; n <= 4; n++)
        {
            overlap += Overlap(NGrams(given, n), NGrams(wanted, n));
            most += Math.Max(Math.Max(given.Length, wanted.Length) - n + 1, 0);
        }

        return most == 0 ? 0 : overlap / most;
    }

    private static string[] Words(string text) => MatchGrader.Normalize(text).Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static Dictionary<string, int> NGrams(string[] words, int n)
    {
        var grams = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i + n <= words.Length; i++)
        {
            var gram = string.Join(' ', words, i, n);
            grams[gram] = grams.GetValueOrDefault(gram) + 1;
        }

        return grams;
    }

    private static double Overlap(Dictionary<string, int> a, Dictionary<string, int> b) =>
        a.Sum(gram => Math.Min(gram.Value, b.GetValueOrDefault(gram.Key)));

    private static double F1(double overlap, double given, double wanted) => overlap == 0 ? 0 : 2 * overlap / (given + wanted);

    private static int CommonSubsequence<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b)
        where T : IEquatable<T>
    {
        var lengths = new int[b.Length + 1];
        foreach (var item in a)
        {
            var diagonal = 0;
            for (var j = 0; j < b.Length; j++)
            {
                var above = lengths[j + 1];
                lengths[j + 1] = item.Equals(b[j]) ? diagonal + 1 : Math.Max(above, lengths[j]);
                diagonal = above;
            }
        }

        return lengths[^1];
    }
}
