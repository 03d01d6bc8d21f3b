using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Checkpoints;

/// <summary>
/// The <c>config.json</c> of a Hugging Face model folder. What would change the arithmetic and is not known here is an error that names it;
/// other keys are left alone.
/// </summary>
public static class HuggingFaceConfig
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>
    /// Reads the shape of a model. Anything wrong is an <see cref="InvalidDataException"/> that names the file, the key and the value.
    /// </summary>
    public static TransformerConfig Read(string path)
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

        var config = Parse(new ConfigReader(path, json));
        var errors = config.Validate();
        return errors.Count == 0 ? config : throw new InvalidDataException($"{path}: {string.Join("; ", errors)}.");
    }

    /// <summary>
    /// The same shape as JSON. Keys of <paramref name="source"/>, an earlier <c>config.json</c>, that say nothing about it are kept.
    /// </summary>
    public static string Write(TransformerConfig config, string type, JsonObject? source = null)
    {
        var json = source?.DeepClone().AsObject() ?? [];
        var own = config.IsGpt2 ? Gpt2(config) : Llama(config);
        own["torch_dtype"] = type;
        foreach (var (key, value) in own)
        {
            json[key] = value?.DeepClone();
        }

        // A newer way to say rope_theta and rope_scaling, which would contradict them.
        json.Remove("rope_parameters");
        json.Remove("dtype");
        return json.ToJsonString(s_indented);
    }

    private static TransformerConfig Parse(ConfigReader json) =>
        json.Text("model_type", "") switch
        {
            "gpt2" => ParseGpt2(json),
            "llama" => ParseLlama(json, TransformerFamily.Llama),
            "mistral" => ParseLlama(json, TransformerFamily.Mistral),
            "qwen2" => ParseLlama(json, TransformerFamily.Qwen2),
            "qwen3" => ParseLlama(json, TransformerFamily.Qwen3),
            var other => throw json.Wrong("model_type", $"'{other}'", "gpt2, llama, mistral, qwen2 or qwen3"),
        };

    private static TransformerConfig ParseGpt2(ConfigReader json)
    {
        json.Expect("activation_function", "gelu_new", "gelu_new", "gelu_pytorch_tanh");
        json.ExpectFlag("scale_attn_weights", true);
        json.ExpectFlag("scale_attn_by_inverse_layer_idx", false);
        json.ExpectFlag("add_cross_attention", false);
        var (width, heads) = (json.Number("n_embd"), json.Number("n_head"));
        return new TransformerConfig
        {
            Family = TransformerFamily.Gpt2,
            VocabularySize = json.Number("vocab_size"),
            Width = width,
            Layers = json.Number("n_layer"),
            Heads = heads,
            KeyValueHeads = heads,
            HeadWidth = width / Math.Max(heads, 1),
            InnerWidth = json.Number("n_inner", 4 * width),
            MaxPositions = json.Number("n_positions", json.Number("n_ctx", 1024)),
            NormEpsilon = (float)json.Real("layer_norm_epsilon", 1e-5),
            QueryKeyValueBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            TiedEmbeddings = json.Flag("tie_word_embeddings", true),
        };
    }

    private static TransformerConfig ParseLlama(ConfigReader json, TransformerFamily family)
    {
        json.Expect("hidden_act", "silu", "silu", "swish");
        var (width, heads) = (json.Number("hidden_size"), json.Number("num_attention_heads"));
        var attentionBias = json.Flag("attention_bias", false);
        var positions = json.Number("max_position_embeddings", 2048);
        var slides = json.Flag("use_sliding_window", family == TransformerFamily.Mistral);
        var rope = json.Section("rope_parameters") ?? json.Section("rope_scaling");
        return new TransformerConfig
        {
            Family = family,
            VocabularySize = json.Number("vocab_size"),
            Width = width,
            Layers = json.Number("num_hidden_layers"),
            Heads = heads,
            KeyValueHeads = json.Number("num_key_value_heads", heads),
            HeadWidth = json.Number("head_dim", width / Math.Max(heads, 1)),
            InnerWidth = json.Number("intermediate_size"),
            MaxPositions = slides ? Math.Min(positions, json.Number("sliding_window", positions)) : positions,
            NormEpsilon = (float)json.Real("rms_norm_eps", 1e-6),
            RopeTheta = rope?.Real("rope_theta", json.Real("rope_theta", 10_000)) ?? json.Real("rope_theta", 10_000),
            RopeScaling = rope is null ? null : ParseScaling(rope),
            QueryKeyValueBias = family == TransformerFamily.Qwen2 || attentionBias,
            AttentionOutputBias = attentionBias && family != TransformerFamily.Qwen2,
            FeedForwardBias = json.Flag("mlp_bias", false),
            TiedEmbeddings = json.Flag("tie_word_embeddings", false),
        };
    }

    private static RopeScaling? ParseScaling(ConfigReader rope) =>
        rope.Text("rope_type", rope.Text("type", "default")) switch
        {
            "default" => null,
            "linear" => new RopeScaling("linear", rope.Real("factor")),
            "llama3" => new RopeScaling(
                "llama3",
                rope.Real("factor"),
                rope.Real("low_freq_factor"),
                rope.Real("high_freq_factor"),
                rope.Number("original_max_position_embeddings")
            ),
            var other => throw rope.Wrong("rope_type", $"'{other}'", "default, linear or llama3"),
        };

    private static JsonObject Gpt2(TransformerConfig config) =>
        new()
        {
            ["architectures"] = new JsonArray("GPT2LMHeadModel"),
            ["model_type"] = "gpt2",
            ["vocab_size"] = config.VocabularySize,
            ["n_embd"] = config.Width,
            ["n_layer"] = config.Layers,
            ["n_head"] = config.Heads,
            ["n_inner"] = config.InnerWidth,
            ["n_positions"] = config.MaxPositions,
            ["activation_function"] = "gelu_new",
            ["layer_norm_epsilon"] = Shortest(config.NormEpsilon),
            ["tie_word_embeddings"] = config.TiedEmbeddings,
        };

    private static JsonObject Llama(TransformerConfig config)
    {
        var name = config.Family.ToString();
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray($"{name}ForCausalLM"),
            ["model_type"] = name.ToLowerInvariant(),
            ["vocab_size"] = config.VocabularySize,
            ["hidden_size"] = config.Width,
            ["num_hidden_layers"] = config.Layers,
            ["num_attention_heads"] = config.Heads,
            ["num_key_value_heads"] = config.KeyValueHeads,
            ["head_dim"] = config.HeadWidth,
            ["intermediate_size"] = config.InnerWidth,
            ["max_position_embeddings"] = config.MaxPositions,
            ["hidden_act"] = "silu",
            ["rms_norm_eps"] = Shortest(config.NormEpsilon),
            ["rope_theta"] = config.RopeTheta,
            ["rope_scaling"] = config.RopeScaling switch
            {
                null => null,
                { Type: "linear" } scaling => new JsonObject { ["rope_type"] = "linear", ["factor"] = scaling.Factor },
                var scaling => new JsonObject
                {
                    ["rope_type"] = scaling.Type,
                    ["factor"] = scaling.Factor,
                    ["low_freq_factor"] = scaling.LowFrequencyFactor,
                    ["high_freq_factor"] = scaling.HighFrequencyFactor,
                    ["original_max_position_embeddings"] = scaling.OriginalPositions,
                },
            },
            ["tie_word_embeddings"] = config.TiedEmbeddings,
        };
        if (config.Family != TransformerFamily.Qwen2)
        {
            json["attention_bias"] = config.QueryKeyValueBias;
        }

        if (config.Family == TransformerFamily.Llama)
        {
            json["mlp_bias"] = config.FeedForwardBias;
        }

        return json;
    }

    /// <summary>0.00001 rather than the nearest single written out as a double.</summary>
    private static double Shortest(float value) =>
        double.Parse(
            value.ToString("R", System.Globalization.CultureInfo.InvariantCulture),
            System.Globalization.NumberStyles.Float,
            System.Globalization.CultureInfo.InvariantCulture
        );
}
