using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Models.Tokenizers.Pieces;

namespace AgentLightning.Models.Tokenizers.Training;

/// <summary>What <see cref="BpeTrainer"/> learned, as the files that Hugging Face libraries read.</summary>
public sealed class TrainedTokenizer
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    internal TrainedTokenizer(BpeTrainerOptions options, IReadOnlyList<string> tokens, IReadOnlyList<(string Left, string Right)> merges)
    {
        var vocabulary = new JsonObject();
        for (var id = 0; id < tokens.Count; id++)
        {
            vocabulary[tokens[id]] = id;
        }

        var added = new JsonArray();
        foreach (var token in options.SpecialTokens)
        {
            added.Add(
                new JsonObject
                {
                    ["id"] = tokens.Count + added.Count,
                    ["content"] = token,
                    ["single_word"] = false,
                    ["lstrip"] = false,
                    ["rstrip"] = false,
                    ["normalized"] = false,
                    ["special"] = true,
                }
            );
        }

        Merges = merges;
        Json = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = options.Family == TokenizerFamily.Qwen2 ? new JsonObject { ["type"] = "NFC" } : null,
            ["pre_tokenizer"] = PreTokenizer(options.Family),
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)$"{merge.Left} {merge.Right}")]),
            },
        }.ToJsonString(s_json);

        var config = new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast", ["clean_up_tokenization_spaces"] = false };
        if (options.SpecialTokens.Count > 0)
        {
            config["eos_token"] = options.SpecialTokens[0];
        }

        Config = config.ToJsonString(s_json);
    }

    /// <summary>The pairs in the order in which they were made tokens, in the alphabet of bytes.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges { get; }

    /// <summary>The content of tokenizer.json.</summary>
    public string Json { get; }

    /// <summary>The content of tokenizer_config.json.</summary>
    public string Config { get; }

    /// <summary>The tokenizer, ready for use.</summary>
    public Tokenizer Create() => Tokenizer.Parse(Json, Config);

    /// <summary>Writes tokenizer.json and tokenizer_config.json into a folder that exists. Each is there whole or not at all.</summary>
    public void Save(string folder)
    {
        foreach (var (name, content) in (ReadOnlySpan<(string, string)>)[("tokenizer_config.json", Config), ("tokenizer.json", Json)])
        {
            var file = Path.Combine(folder, name);
            File.WriteAllText(file + ".new", content);
            File.Move(file + ".new", file, overwrite: true);
        }
    }

    private static JsonObject PreTokenizer(TokenizerFamily family) =>
        family == TokenizerFamily.Gpt2
            ? ByteLevel(useRegex: true)
            : new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject
                    {
                        ["type"] = "Split",
                        ["pattern"] = new JsonObject
                        {
                            ["Regex"] = family == TokenizerFamily.Llama3 ? FamilySplitter.Llama3Pattern : FamilySplitter.Qwen2Pattern,
                        },
                        ["behavior"] = "Isolated",
                        ["invert"] = false,
                    },
                    ByteLevel()
                ),
            };

    private static JsonObject ByteLevel(bool useRegex = false) =>
        new()
        {
            ["type"] = "ByteLevel",
            ["add_prefix_space"] = false,
            ["trim_offsets"] = true,
            ["use_regex"] = useRegex,
        };
}
