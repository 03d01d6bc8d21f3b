using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// A text classifier: h = Σ wᵢ·E[rowᵢ] over the hashed n-grams of a text (an embedding bag, weighted by tf·idf and normalised by field),
/// log p = log softmax(W·h + b). One row of E per n-gram bucket that the texts it was made for use at least twice; other n-grams say
/// nothing.
/// </summary>
/// <remarks>
/// Shapes: E [rows × width], W [labels × width], b [labels], all single precision and row by row.
/// Predictions may run on many threads at once, but not while the model is being trained.
/// </remarks>
public sealed class TextClassifier
{
    [ThreadStatic]
    private static NGramHasher? t_hasher;

    [ThreadStatic]
    private static NGramOptions? t_hasherOptions;

    [ThreadStatic]
    private static float[]? t_hidden;

    private readonly int[] _rowOfBucket;

    internal TextClassifier(
        NGramOptions features,
        IReadOnlyList<string> labels,
        int width,
        int[] bucketOfRow,
        float[] inverseDocumentFrequency
    )
    {
        Features = features;
        Labels = labels;
        Width = width;
        BucketOfRow = bucketOfRow;
        InverseDocumentFrequency = inverseDocumentFrequency;
        Embedding = new float[(long)bucketOfRow.Length * width];
        Output = new float[labels.Count * width];
        Bias = new float[labels.Count];
        _rowOfBucket = new int[1 << features.BucketBits];
        Array.Fill(_rowOfBucket, -1);
        for (var row = 0; row < bucketOfRow.Length; row++)
        {
            _rowOfBucket[bucketOfRow[row]] = row;
        }
    }

    /// <summary>The answers it can give, in the order of its outputs.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>How text becomes features.</summary>
    public NGramOptions Features { get; }

    /// <summary>Numbers per n-gram embedding.</summary>
    public int Width { get; }

    /// <summary>N-gram buckets that have an embedding.</summary>
    public int Rows => BucketOfRow.Length;

    /// <summary>Trainable numbers.</summary>
    public long ParameterCount => Embedding.LongLength + Output.Length + Bias.Length;

    internal int[] BucketOfRow { get; }

    internal float[] InverseDocumentFrequency { get; }

    internal float[] Embedding { get; }

    internal float[] Output { get; }

    internal float[] Bias { get; }

    /// <summary>
    /// Makes an untrained classifier whose rows are the n-grams of <paramref name="texts"/>. Every answer is equally likely until it is
    /// trained.
    /// </summary>
    /// <param name="width">Numbers per embedding, a multiple of 16 from 16 to 256.</param>
    /// <param name="seed">Fixes the random output weights.</param>
    public static TextClassifier Create(
        NGramOptions features,
        IReadOnlyList<string> labels,
        IEnumerable<TextInput> texts,
        int width,
        long seed
    )
    {
        if (width is < 16 or > 256 || width % 16 != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(width),
                width,
                $"The width must be a multiple of 16 from 16 to 256, but it is {width}."
            );
        }

        if (labels.Count < 2)
        {
            throw new ArgumentException(
                "A classifier needs at least two labels to tell apart, but there "
                    + (labels.Count == 1 ? $"is one: '{labels[0]}'." : "are none."),
                nameof(labels)
            );
        }

        var (buckets, idf) = DocumentFrequencies.Count(features, texts);
        var model = new TextClassifier(features, [.. labels], width, buckets, idf);
        var random = new SeededRandom(seed, 0x0717);
        foreach (ref var w in model.Output.AsSpan())
        {
            w = random.NextNormal() / MathF.Sqrt(width);
        }

        return model;
    }

    /// <summary>The index of a label, or false when this model cannot give that answer.</summary>
    public bool TryIndexOf(string label, out int index)
    {
        for (index = 0; index < Labels.Count; index++)
        {
            if (string.Equals(Labels[index], label, StringComparison.Ordinal))
            {
                return true;
            }
        }

        index = -1;
        return false;
    }

    /// <summary>
    /// Writes the log-probability of each label to <paramref name="logProbabilities"/> (length: <see cref="Labels"/>) and returns the most
    /// likely one. Allocates nothing after a thread's first call.
    /// </summary>
    public int Predict(in TextInput text, Span<float> logProbabilities)
    {
        var hasher = HasherOfThread();
        hasher.Extract(text);
        var hidden = HiddenOfThread();
        hidden.Clear();
        for (var g = 0; g < NGramHasher.GroupCount; g++)
        {
            AddGroup(hasher, (FeatureGroup)g, hidden);
        }

        return Score(hidden, logProbabilities);
    }

    /// <summary>The same for a text that was encoded before.</summary>
    public int Predict(EncodedTexts texts, int index, Span<float> logProbabilities)
    {
        var hidden = HiddenOfThread();
        AddRows(texts.RowsOf(index), texts.WeightsOf(index), hidden);
        return Score(hidden, logProbabilities);
    }

    /// <summary>h = Σ w·E[row].</summary>
    internal void AddRows(ReadOnlySpan<int> rows, ReadOnlySpan<float> weights, Span<float> hidden)
    {
        hidden.Clear();
        for (var f = 0; f < rows.Length; f++)
        {
            VectorMath.AddScaled(weights[f], Embedding.AsSpan(rows[f] * Width, Width), hidden);
        }
    }

    /// <summary>Log-probabilities from the hidden vector h; returns the most likely label.</summary>
    internal int Score(ReadOnlySpan<float> hidden, Span<float> logProbabilities)
    {
        if (logProbabilities.Length != Labels.Count)
        {
            throw new ArgumentException(
                $"There must be room for {Labels.Count} log-probabilities, but there is for {logProbabilities.Length}.",
                nameof(logProbabilities)
            );
        }

        var best = 0;
        for (var c = 0; c < logProbabilities.Length; c++)
        {
            logProbabilities[c] = Bias[c] + VectorMath.Dot(Output.AsSpan(c * Width, Width), hidden);
            best = logProbabilities[c] > logProbabilities[best] ? c : best;
        }

        VectorMath.LogSoftmax(logProbabilities);
        return best;
    }

    /// <summary>The words of a text that spoke most for a label, strongest first, with what each added to its logit.</summary>
    public IReadOnlyList<(string Word, float Weight)> Explain(in TextInput text, int label, int count)
    {
        var words = $"{text.Title}\n{text.Body}"
            .Split([' ', '\n', '\r', '\t', ',', '.', ';', ':', '(', ')', '"', '?', '!'], StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word.Length is > 1 and <= 40)
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Take(400);
        var scored = new List<(string, float)>();
        var hidden = HiddenOfThread();
        foreach (var word in words)
        {
            var hasher = HasherOfThread();
            hasher.Extract(new TextInput("", word));
            hidden.Clear();
            AddGroup(hasher, FeatureGroup.BodyWords, hidden);
            AddGroup(hasher, FeatureGroup.BodyCharacters, hidden);
            scored.Add((word, VectorMath.Dot(Output.AsSpan(label * Width, Width), hidden)));
        }

        return [.. scored.Where(pair => pair.Item2 > 0).OrderByDescending(pair => pair.Item2).Take(count)];
    }

    internal NGramHasher HasherOfThread()
    {
        if (t_hasher is null || !Features.Equals(t_hasherOptions))
        {
            t_hasher = new NGramHasher(Features);
            t_hasherOptions = Features;
        }

        return t_hasher;
    }

    internal int RowOf(int bucket) => _rowOfBucket[bucket];

    private Span<float> HiddenOfThread()
    {
        if (t_hidden is null || t_hidden.Length < Width)
        {
            t_hidden = new float[Width];
        }

        return t_hidden.AsSpan(0, Width);
    }

    private void AddGroup(NGramHasher hasher, FeatureGroup group, Span<float> hidden)
    {
        var range = hasher.RangeOf(group);
        var buckets = hasher.Buckets[range];
        var counts = hasher.Counts[range];
        var squares = 0f;
        for (var i = 0; i < buckets.Length; i++)
        {
            if (RowOf(buckets[i]) is >= 0 and var row)
            {
                var weight = BagWeights.Raw(counts[i], InverseDocumentFrequency[row]);
                squares += weight * weight;
            }
        }

        var scale = BagWeights.GroupScale(group, squares);
        for (var i = 0; i < buckets.Length; i++)
        {
            if (RowOf(buckets[i]) is >= 0 and var row)
            {
                var weight = BagWeights.Raw(counts[i], InverseDocumentFrequency[row]) * scale;
                VectorMath.AddScaled(weight, Embedding.AsSpan(row * Width, Width), hidden);
            }
        }
    }
}
