using System.Runtime.InteropServices;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// Texts as a model reads them: for each text the embedding rows of its n-grams, ascending, with their weights in the bag.
/// Made once, read in every epoch.
/// </summary>
public sealed class EncodedTexts
{
    private readonly List<int> _rows = [];
    private readonly List<float> _weights = [];
    private readonly List<int> _ends = [];

    /// <summary>Encodes texts for <paramref name="model"/>.</summary>
    public EncodedTexts(TextClassifier model, IEnumerable<TextInput> texts)
    {
        var rows = Array.Empty<int>();
        var weights = Array.Empty<float>();
        foreach (var text in texts)
        {
            var hasher = model.HasherOfThread();
            hasher.Extract(text);
            var length = hasher.Buckets.Length;
            if (rows.Length < length)
            {
                rows = new int[length * 2];
                weights = new float[length * 2];
            }

            var used = 0;
            for (var g = 0; g < NGramHasher.GroupCount; g++)
            {
                used = AddGroup(model, hasher, (FeatureGroup)g, rows, weights, used);
            }

            Array.Sort(rows, weights, 0, used);
            _rows.AddRange(rows.AsSpan(0, used));
            _weights.AddRange(weights.AsSpan(0, used));
            _ends.Add(_rows.Count);
        }
    }

    /// <summary>How many texts.</summary>
    public int Count => _ends.Count;

    /// <summary>How many n-grams, over all texts.</summary>
    public long FeatureCount => _rows.Count;

    internal ReadOnlySpan<int> RowsOf(int text) => CollectionsMarshal.AsSpan(_rows)[Start(text).._ends[text]];

    internal ReadOnlySpan<float> WeightsOf(int text) => CollectionsMarshal.AsSpan(_weights)[Start(text).._ends[text]];

    private int Start(int text) => text == 0 ? 0 : _ends[text - 1];

    private static int AddGroup(TextClassifier model, NGramHasher hasher, FeatureGroup group, int[] rows, float[] weights, int used)
    {
        var range = hasher.RangeOf(group);
        var buckets = hasher.Buckets[range];
        var counts = hasher.Counts[range];
        var first = used;
        var squares = 0f;
        for (var i = 0; i < buckets.Length; i++)
        {
            if (model.RowOf(buckets[i]) is >= 0 and var row)
            {
                var weight = BagWeights.Raw(counts[i], model.InverseDocumentFrequency[row]);
                squares += weight * weight;
                rows[used] = row;
                weights[used++] = weight;
            }
        }

        var scale = BagWeights.GroupScale(group, squares);
        for (var i = first; i < used; i++)
        {
            weights[i] *= scale;
        }

        return used;
    }
}
