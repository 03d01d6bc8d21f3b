using System.Reflection;
using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Benchmarks;

/// <summary>The bundled feedback as texts with labels, and a classifier trained on it.</summary>
internal static class Feedback
{
    public static IReadOnlyList<(TextInput Text, string Label)> Read()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("feedback.jsonl")!);
        var rows = new List<(TextInput, string)>();
        while (reader.ReadLine() is { } line)
        {
            using var row = JsonDocument.Parse(line);
            rows.Add(
                (
                    new TextInput("", row.RootElement.GetProperty("comment").GetString()!),
                    row.RootElement.GetProperty("category").GetString()!
                )
            );
        }

        return rows;
    }

    public static (TextClassifier Model, EncodedTexts Texts, int[] Labels) Prepare(IReadOnlyList<(TextInput Text, string Label)> rows)
    {
        var labels = rows.Select(row => row.Label).Distinct().Order(StringComparer.Ordinal).ToList();
        var texts = rows.Select(row => row.Text).ToList();
        var model = TextClassifier.Create(new NGramOptions(), labels, texts, width: 16, seed: 1);
        return (model, new EncodedTexts(model, texts), [.. rows.Select(row => labels.IndexOf(row.Label))]);
    }

    public static TextClassifier Train()
    {
        var (model, texts, labels) = Prepare(Read());
        SupervisedLoop.Train(model, texts, labels, new ClassifierTrainingOptions(), 1, null, CancellationToken.None);
        return model;
    }
}
