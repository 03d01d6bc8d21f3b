using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Tests;

/// <summary>
/// A made-up task that can be learned: which of four subjects a sentence is about, with words that say nothing in between.
/// </summary>
internal static class Texts
{
    public static readonly string[] Labels = ["fruit", "metal", "river", "star"];

    private static readonly string[][] s_words =
    [
        ["apple", "pear", "cherry", "mango", "plum", "fig"],
        ["iron", "copper", "silver", "zinc", "tin", "gold"],
        ["danube", "rhine", "amazon", "nile", "volga", "loire"],
        ["sirius", "vega", "rigel", "altair", "deneb", "spica"],
    ];

    private static readonly string[] s_filler = ["the", "we", "saw", "today", "very", "and", "was", "there", "some", "one"];

    public static (TextInput[] Texts, int[] Labels) Make(int count, long seed)
    {
        var random = new SeededRandom(seed);
        var texts = new TextInput[count];
        var labels = new int[count];
        for (var i = 0; i < count; i++)
        {
            labels[i] = random.NextInt(4);
            string[] words =
            [
                .. Enumerable.Range(0, 6).Select(_ => s_filler[random.NextInt(s_filler.Length)]),
                s_words[labels[i]][random.NextInt(6)],
                s_words[labels[i]][random.NextInt(6)],
            ];
            random.Shuffle<string>(words);
            texts[i] = new TextInput(
                random.NextInt(2) == 0 ? words[0] : "",
                string.Join(' ', words),
                random.NextInt(2) == 0 ? ["source=web"] : null
            );
        }

        return (texts, labels);
    }

    public static (TextClassifier Model, EncodedTexts Encoded, int[] Labels, TextInput[] Texts) Prepare(int count, long seed = 1)
    {
        var (texts, labels) = Make(count, seed);
        var model = TextClassifier.Create(new NGramOptions { BucketBits = 14 }, Labels, texts, width: 16, seed);
        return (model, new EncodedTexts(model, texts), labels, texts);
    }

    public static double Accuracy(TextClassifier model, TextInput[] texts, int[] labels)
    {
        var scores = new float[model.Labels.Count];
        return texts.Zip(labels).Count(pair => model.Predict(pair.First, scores) == pair.Second) / (double)texts.Length;
    }

    public static float[] Parameters(TextClassifier model) => [.. model.Embedding, .. model.Output, .. model.Bias];
}
