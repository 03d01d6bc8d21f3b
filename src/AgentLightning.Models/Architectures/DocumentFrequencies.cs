using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Architectures;

/// <summary>Which n-grams a set of texts uses, and in how many of the texts each occurs.</summary>
internal static class DocumentFrequencies
{
    /// <summary>An n-gram that only one text has cannot help with another.</summary>
    private const int FewestTexts = 2;

    /// <summary>The buckets in use, ascending, and idf = 1 + ln((1 + N) / (1 + df)) of each.</summary>
    public static (int[] Buckets, float[] InverseDocumentFrequency) Count(NGramOptions options, IEnumerable<TextInput> texts)
    {
        var hasher = new NGramHasher(options);
        var frequency = new int[1 << options.BucketBits];
        var total = 0;
        foreach (var text in texts)
        {
            hasher.Extract(text);
            total++;
            foreach (var bucket in hasher.Buckets)
            {
                frequency[bucket]++;
            }
        }

        var buckets = new List<int>();
        var idf = new List<float>();
        for (var bucket = 0; bucket < frequency.Length; bucket++)
        {
            if (frequency[bucket] >= FewestTexts)
            {
                buckets.Add(bucket);
                idf.Add(1 + MathF.Log((1f + total) / (1f + frequency[bucket])));
            }
        }

        return ([.. buckets], [.. idf]);
    }
}
