using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Checkpoints;

/// <summary>
/// A model as Hugging Face libraries keep it: a folder with <c>config.json</c> and <c>model.safetensors</c>, or several files with
/// <c>model.safetensors.index.json</c>.
/// </summary>
public static class HuggingFaceFolder
{
    private const string ConfigName = "config.json",
        WeightsName = "model.safetensors",
        IndexName = "model.safetensors.index.json";

    /// <summary>
    /// Reads a model. Anything wrong is an <see cref="InvalidDataException"/> that names the file and the tensor or key, what was expected
    /// and what is there.
    /// </summary>
    /// <param name="type">How matrices are kept in memory; null, the default, keeps them as the file does. <see cref="StoredType.F32"/> can
    /// be trained in full.</param>
    public static Transformer Load(string folder, Compute compute, StoredType? type = null, CancellationToken cancellationToken = default)
    {
        AtomicFolder.Recover(folder);
        var configPath = Path.Combine(folder, ConfigName);
        if (!File.Exists(configPath))
        {
            throw new InvalidDataException($"{folder}: there is no {ConfigName}, so this is not the folder of a model.");
        }

        var config = HuggingFaceConfig.Read(configPath);
        var files = WeightFiles(folder);
        try
        {
            var places = Places(files);
            var model = Transformer.Allocate(config, type ?? StoredTypeOf(places, config));
            try
            {
                foreach (var parameter in model.Parameters)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Load(parameter, places, compute.Pool, folder);
                }

                return model;
            }
            catch
            {
                model.Dispose();
                throw;
            }
        }
        finally
        {
            foreach (var file in files)
            {
                file.File.Dispose();
            }
        }
    }

    /// <summary>
    /// Writes a model in such a way that <paramref name="folder"/> is at any time the earlier model or this one. Adapters are not written.
    /// </summary>
    /// <param name="copyFrom">A folder whose other files (tokenizer, chat template, …) and other keys of <c>config.json</c> come along;
    /// null for none.</param>
    /// <param name="type">Type of the matrices in the file; null, the default, as they are in memory. Vectors are written the same.</param>
    /// <param name="shardBytes">Most bytes per file of weights, one tensor at least; 5 GB by default.</param>
    public static Task SaveAsync(
        Transformer model,
        string folder,
        string? copyFrom = null,
        StoredType? type = null,
        long shardBytes = 5_000_000_000,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardBytes, 1);
        var stored = type ?? model.Tokens.Type;
        return AtomicFolder.WriteAsync(folder, async path =>
        {
            JsonObject? source = null;
            if (copyFrom is not null)
            {
                foreach (var file in Directory.EnumerateFiles(copyFrom).Where(file => !IsWeights(file)))
                {
                    File.Copy(file, Path.Combine(path, Path.GetFileName(file)), overwrite: true);
                }

                var sourceConfig = Path.Combine(copyFrom, ConfigName);
                source = File.Exists(sourceConfig)
                    ? JsonNode.Parse(await File.ReadAllTextAsync(sourceConfig, cancellationToken).ConfigureAwait(false)) as JsonObject
                    : null;
            }

            var config = HuggingFaceConfig.Write(
                model.Config,
                stored switch
                {
                    StoredType.F32 => "float32",
                    StoredType.BF16 => "bfloat16",
                    _ => "float16",
                },
                source
            );
            await File.WriteAllTextAsync(Path.Combine(path, ConfigName), config, cancellationToken).ConfigureAwait(false);
            await WriteWeightsAsync(model, path, stored, shardBytes, cancellationToken).ConfigureAwait(false);
        });
    }

    private static bool IsWeights(string path) =>
        Path.GetFileName(path) is var name
        && (name.EndsWith(".safetensors", StringComparison.Ordinal) || name is IndexName or "pytorch_model.bin");

    private static List<(string Path, SafeTensorsFile File)> WeightFiles(string folder)
    {
        var index = Path.Combine(folder, IndexName);
        List<string> names =
            File.Exists(index) ? [.. IndexedFiles(index)]
            : File.Exists(Path.Combine(folder, WeightsName)) ? [WeightsName]
            : [];
        if (names.Count == 0)
        {
            throw new InvalidDataException(
                $"{folder}: there is neither {WeightsName} nor a filled {IndexName}. Weights in other formats must be converted first."
            );
        }

        var files = new List<(string, SafeTensorsFile)>();
        try
        {
            foreach (var name in names)
            {
                var path = Path.Combine(folder, name);
                files.Add(
                    (
                        path,
                        File.Exists(path)
                            ? SafeTensorsFile.Open(path)
                            : throw new InvalidDataException($"{path}: the file is missing, but {IndexName} names it.")
                    )
                );
            }
        }
        catch
        {
            files.ForEach(file => file.Item2.Dispose());
            throw;
        }

        return files;
    }

    private static IEnumerable<string> IndexedFiles(string index)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            string[] names =
            [
                .. json.RootElement.GetProperty("weight_map").EnumerateObject().Select(pair => pair.Value.GetString() ?? "").Distinct(),
            ];
            return Array.Find(names, name => Path.GetFileName(name) != name || name.Length == 0) is { } outside
                ? throw new InvalidDataException($"{index}: '{outside}' is not the name of a file in the folder.")
                : names;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{index}: not an index of weights: {e.Message}", e);
        }
    }

    private static Dictionary<string, (string Path, SafeTensorsFile File)> Places(List<(string Path, SafeTensorsFile File)> files)
    {
        var places = new Dictionary<string, (string, SafeTensorsFile)>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var name in file.File.Names)
            {
                if (!places.TryAdd(name, file))
                {
                    throw new InvalidDataException($"{file.Path}: tensor '{name}' is also in {Path.GetFileName(places[name].Item1)}.");
                }
            }
        }

        return places;
    }

    /// <summary>The type of the token table is that of the model; vectors are always kept as singles.</summary>
    private static StoredType StoredTypeOf(Dictionary<string, (string Path, SafeTensorsFile File)> places, TransformerConfig config)
    {
        var table = NamesOf(config.IsGpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight").FirstOrDefault(places.ContainsKey);
        return table is not null && StoredTypes.TryParse(places[table].File.TypeOf(table), out var type) ? type : StoredType.F32;
    }

    /// <summary>Checkpoints of the bare model leave the first part of the names out.</summary>
    private static string[] NamesOf(string name) =>
        name.StartsWith("lm_head", StringComparison.Ordinal) ? [name] : [name, name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..]];

    private static void Load(
        Parameter parameter,
        Dictionary<string, (string Path, SafeTensorsFile File)> places,
        WorkerPool pool,
        string folder
    )
    {
        var name = NamesOf(parameter.Name).FirstOrDefault(places.ContainsKey)
            ?? throw new InvalidDataException(
                $"{folder}: tensor '{parameter.Name}' [{string.Join(", ", parameter.Shape)}] is missing, but the model that {ConfigName} "
                    + $"describes needs it."
            );
        var (path, file) = places[name];
        var (seenType, seenShape) = (file.TypeOf(name), file.ShapeOf(name));
        if (!StoredTypes.TryParse(seenType, out var type) || !seenShape.SequenceEqual(parameter.Shape))
        {
            throw new InvalidDataException(
                $"{path}: tensor '{name}' should be F32, F16 or BF16 [{string.Join(", ", parameter.Shape)}] after {ConfigName}, but it is "
                    + $"{seenType} [{string.Join(", ", seenShape)}]."
            );
        }

        file.Use(name, data =>
        {
            if (ParameterLoader.Load(pool, parameter, data, type) is { } bad)
            {
                throw new InvalidDataException($"{path}: number {bad.Index} of tensor '{name}' is {bad.Value}; weights must be finite.");
            }
        });
    }

    private static async Task WriteWeightsAsync(
        Transformer model,
        string folder,
        StoredType type,
        long shardBytes,
        CancellationToken cancellationToken
    )
    {
        var shards = new List<List<Parameter>> { new() };
        long inShard = 0;
        foreach (var parameter in model.Parameters)
        {
            var bytes = parameter.Count * type.Size();
            if (inShard > 0 && inShard + bytes > shardBytes)
            {
                shards.Add([]);
                inShard = 0;
            }

            shards[^1].Add(parameter);
            inShard += bytes;
        }

        var map = new JsonObject();
        for (var i = 0; i < shards.Count; i++)
        {
            var name = shards.Count == 1 ? WeightsName : $"model-{i + 1:00000}-of-{shards.Count:00000}.safetensors";
            using var file = new SafeTensorsFile();
            file.Metadata["format"] = "pt";
            foreach (var parameter in shards[i])
            {
                map[parameter.Name] = name;
                file.Add(parameter.Name, type.ToString(), [.. parameter.Shape], parameter.Count * type.Size(), (stream, token) =>
                    ParameterLoader.WriteAsync(parameter, type, stream, token)
                );
            }

            var target = new FileStream(
                Path.Combine(folder, name),
                FileMode.CreateNew,
                FileAccess.Write,
                FileShare.None,
                1 << 20,
                useAsync: true
            );
            await using (target.ConfigureAwait(false))
            {
                await file.WriteAsync(target, cancellationToken).ConfigureAwait(false);
                // The rename that follows must not reach the disk before the weights.
                target.Flush(flushToDisk: true);
            }
        }

        if (shards.Count > 1)
        {
            var index = new JsonObject
            {
                ["metadata"] = new JsonObject { ["total_size"] = model.ParameterCount * type.Size() },
                ["weight_map"] = map,
            };
            await File.WriteAllTextAsync(Path.Combine(folder, IndexName), index.ToJsonString(), cancellationToken).ConfigureAwait(false);
        }
    }
}
