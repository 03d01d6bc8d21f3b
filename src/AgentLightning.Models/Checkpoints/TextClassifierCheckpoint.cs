using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Checkpoints;

/// <summary>
/// A text classifier as one safetensors file: <c>embedding.weight</c> [rows × width], <c>output.weight</c> [labels × width],
/// <c>output.bias</c> [labels], <c>features.bucket</c> and <c>features.idf</c> [rows], and in the metadata the labels and the way features
/// are made.
/// </summary>
public static class TextClassifierCheckpoint
{
    private const string Format = "agent-lightning.text-classifier.1";

    public static Task WriteAsync(TextClassifier model, Stream stream)
    {
        var file = new SafeTensorsFile();
        file.Metadata["format"] = Format;
        file.Metadata["labels"] = JsonSerializer.Serialize(model.Labels);
        file.Metadata["features"] = JsonSerializer.Serialize(model.Features);
        file.Add("embedding.weight", model.Embedding, model.Rows, model.Width);
        file.Add("output.weight", model.Output, model.Labels.Count, model.Width);
        file.Add("output.bias", model.Bias, model.Labels.Count);
        file.Add("features.bucket", model.BucketOfRow, model.Rows);
        file.Add("features.idf", model.InverseDocumentFrequency, model.Rows);
        return file.WriteAsync(stream);
    }

    /// <summary>
    /// Reads what <see cref="WriteAsync"/> wrote. Anything else is an <see cref="InvalidDataException"/> that says what is wrong.
    /// </summary>
    public static TextClassifier Read(ReadOnlySpan<byte> content)
    {
        var file = SafeTensorsFile.Read(content);
        if (!file.Metadata.TryGetValue("format", out var format) || format != Format)
        {
            throw new InvalidDataException($"This is not a text classifier: its format is '{format ?? "not given"}', expected '{Format}'.");
        }

        var labels = Parse<List<string>>(file, "labels");
        var features = Parse<NGramOptions>(file, "features");
        var shape = file.ShapeOf("embedding.weight");
        if (shape.Count != 2)
        {
            throw new InvalidDataException($"Tensor 'embedding.weight' should have two dimensions, but it has {shape.Count}.");
        }

        var (rows, width) = (shape[0], shape[1]);
        var buckets = file.Integers("features.bucket", rows);
        try
        {
            features.Validate();
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new InvalidDataException($"The way features are made is wrong: {e.Message}", e);
        }

        if (labels.Count < 2 || width is < 1 or > 4_096 || buckets.Any(bucket => bucket < 0 || bucket >= 1 << features.BucketBits))
        {
            throw new InvalidDataException(
                $"The parts do not fit together: {labels.Count} labels, width {width}, {rows} rows in {1 << features.BucketBits} buckets."
            );
        }

        var model = new TextClassifier(features, labels, (int)width, buckets, file.Singles("features.idf", rows));
        file.Singles("embedding.weight", rows, width).CopyTo(model.Embedding, 0);
        file.Singles("output.weight", labels.Count, width).CopyTo(model.Output, 0);
        file.Singles("output.bias", labels.Count).CopyTo(model.Bias, 0);
        return model;
    }

    private static T Parse<T>(SafeTensorsFile file, string key)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(file.Metadata.GetValueOrDefault(key, "null"))
                ?? throw new InvalidDataException($"The metadata lack '{key}'.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The metadata '{key}' cannot be read: {e.Message}", e);
        }
    }
}
