using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Adapters;

/// <summary>
/// An adapter as PEFT and vLLM keep it: a folder with <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>. Kinds of adapters
/// other than plain LoRA on linear layers of one rank are an error that names the key.
/// </summary>
public static class PeftFolder
{
    private static readonly JsonSerializerOptions s_indented = new()
    {
        WriteIndented = true,
        IndentSize = 2,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// Reads the adapter of a model; it is neither attached nor trained. Anything wrong is an <see cref="InvalidDataException"/> that names
    /// the file and the tensor or key, what was expected and what is there.
    /// </summary>
    public static Adapter Load(string folder, Transformer model, Compute compute)
    {
        AtomicFolder.Recover(folder);
        var path = Path.Combine(folder, PeftNames.ConfigFile);
        var weights = Path.Combine(folder, PeftNames.WeightsFile);
        if (Array.Find([path, weights], file => !File.Exists(file)) is { } missing)
        {
            throw new InvalidDataException($"{folder}: there is no {Path.GetFileName(missing)}, so this is not the folder of an adapter.");
        }

        var options = ReadConfig(path, model);
        var adapter = Allocate(path, model, options);
        try
        {
            using var file = SafeTensorsFile.Open(weights);
            foreach (var parameter in adapter.Parameters)
            {
                Load(weights, file, parameter, compute.Pool);
            }

            var known = adapter.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
            return file.Names.FirstOrDefault(name => !known.Contains(name)) is { } unknown
                ? throw new InvalidDataException(
                    $"{weights}: tensor '{unknown}' belongs to no layer that {PeftNames.ConfigFile} names and this model has."
                )
                : adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    /// <summary>Writes an adapter in such a way that <paramref name="folder"/> is at any time the earlier adapter or this one.</summary>
    /// <param name="baseModel">The name or path of the model that it changes, for whoever loads it.</param>
    public static Task SaveAsync(Adapter adapter, string folder, string baseModel, CancellationToken cancellationToken = default) =>
        AtomicFolder.WriteAsync(folder, async path =>
        {
            await File.WriteAllTextAsync(Path.Combine(path, PeftNames.ConfigFile), WriteConfig(adapter, baseModel), cancellationToken)
                .ConfigureAwait(false);
            using var file = new SafeTensorsFile();
            file.Metadata["format"] = "pt";
            foreach (var parameter in adapter.Parameters)
            {
                file.Add(parameter.Name, "F32", [.. parameter.Shape], parameter.Count * sizeof(float), (stream, token) =>
                    ParameterLoader.WriteAsync(parameter, StoredType.F32, stream, token)
                );
            }

            var target = new FileStream(
                Path.Combine(path, PeftNames.WeightsFile),
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
        });

    private static AdapterOptions ReadConfig(string path, Transformer model)
    {
        JsonObject json;
        try
        {
            json = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new JsonException("it is not an object");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: not a configuration in JSON: {e.Message}", e);
        }

        var config = new ConfigReader(path, json);
        config.Expect("peft_type", "", "LORA");
        config.Expect("bias", "none", "none");
        config.ExpectFlag("use_dora", false);
        foreach (var key in (string[])["modules_to_save", "rank_pattern", "alpha_pattern", "layers_to_transform", "exclude_modules"])
        {
            if (json[key] is { } value and not (JsonObject { Count: 0 } or JsonArray { Count: 0 }))
            {
                throw config.Wrong(key, value.ToJsonString(), "nothing");
            }
        }

        // Tells only how the layers of the model are kept, which the model itself says.
        var transposed = config.Flag("fan_in_fan_out", model.Config.IsGpt2);
        return transposed && !model.Config.IsGpt2
            ? throw config.Wrong("fan_in_fan_out", "true", "false, for a model of this family,")
            : new AdapterOptions
            {
                Rank = config.Number("r"),
                Alpha = (float)config.Real("lora_alpha"),
                RankStabilized = config.Flag("use_rslora", false),
                Targets = Targets(config, json),
            };
    }

    private static string[]? Targets(ConfigReader config, JsonObject json) =>
        json["target_modules"] switch
        {
            JsonValue text when text.TryGetValue(out string? all) && all == "all-linear" => null,
            JsonArray list when list.Count > 0 && list.All(item => item is JsonValue value && value.TryGetValue(out string? _)) =>
            [
                .. list.Select(item => item!.GetValue<string>()),
            ],
            var other => throw config.Wrong("target_modules", other?.ToJsonString() ?? "missing", "'all-linear' or a list of names"),
        };

    private static Adapter Allocate(string path, Transformer model, AdapterOptions options)
    {
        try
        {
            return Adapter.Allocate(model, options);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    private static void Load(string path, SafeTensorsFile file, Parameter parameter, WorkerPool pool)
    {
        var expected = string.Join(", ", parameter.Shape);
        if (!file.Names.Contains(parameter.Name))
        {
            throw new InvalidDataException(
                $"{path}: tensor '{parameter.Name}' [{expected}] is missing, but {PeftNames.ConfigFile} and the model ask for it."
            );
        }

        var (seenType, seenShape) = (file.TypeOf(parameter.Name), file.ShapeOf(parameter.Name));
        if (!StoredTypes.TryParse(seenType, out var type) || !seenShape.SequenceEqual(parameter.Shape))
        {
            throw new InvalidDataException(
                $"{path}: tensor '{parameter.Name}' should be F32, F16 or BF16 [{expected}], but it is {seenType} "
                    + $"[{string.Join(", ", seenShape)}]."
            );
        }

        file.Use(parameter.Name, data =>
        {
            if (ParameterLoader.Load(pool, parameter, data, type) is { } bad)
            {
                throw new InvalidDataException(
                    $"{path}: number {bad.Index} of tensor '{parameter.Name}' is {bad.Value}; weights must be finite."
                );
            }
        });
    }

    private static string WriteConfig(Adapter adapter, string baseModel)
    {
        var targets = adapter.Layers.Select(PeftNames.Last).Distinct().Order(StringComparer.Ordinal);
        // GPT-2 has two layers called c_proj: where only one of them is meant, the longer names that were given are.
        var names = adapter.Options.Targets?.Order(StringComparer.Ordinal) ?? targets;
        var json = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["alpha_pattern"] = new JsonObject(),
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = baseModel,
            ["bias"] = "none",
            ["exclude_modules"] = null,
            ["fan_in_fan_out"] = adapter.FanInFanOut,
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["layers_pattern"] = null,
            ["layers_to_transform"] = null,
            ["lora_alpha"] = adapter.Options.Alpha,
            ["lora_dropout"] = 0.0,
            ["modules_to_save"] = null,
            ["peft_type"] = "LORA",
            ["peft_version"] = "0.20.0",
            ["r"] = adapter.Options.Rank,
            ["rank_pattern"] = new JsonObject(),
            ["revision"] = null,
            ["target_modules"] = new JsonArray([.. names.Select(name => (JsonNode)name)]),
            ["task_type"] = "CAUSAL_LM",
            ["use_dora"] = false,
            ["use_rslora"] = adapter.Options.RankStabilized,
        };
        return new JsonObject(json).ToJsonString(s_indented);
    }
}
