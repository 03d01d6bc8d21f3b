using System.Globalization;
using System.Text.Json;
using AgentLightning.Models.Tokenizers.Bpe;
using AgentLightning.Models.Tokenizers.Decoding;
using AgentLightning.Models.Tokenizers.Normalization;
using AgentLightning.Models.Tokenizers.Pieces;

namespace AgentLightning.Models.Tokenizers;

/// <summary>Reads tokenizers from files.</summary>
internal static class TokenizerLoader
{
    private static readonly JsonDocumentOptions s_json = new() { AllowTrailingCommas = false, MaxDepth = 64 };

    public static Tokenizer Load(string folder)
    {
        var file = Path.Combine(folder, "tokenizer.json");
        using var config = ReadIfThere(Path.Combine(folder, "tokenizer_config.json"));
        // Where generation_config.json is missing, the model's own file says what ends a text.
        using var generation = ReadIfThere(Path.Combine(folder, "generation_config.json"))
            ?? ReadIfThere(Path.Combine(folder, "config.json"));
        var templateFile = Path.Combine(folder, "chat_template.jinja");
        var template = File.Exists(templateFile) ? File.ReadAllText(templateFile) : null;
        using var model = ReadIfThere(Path.Combine(folder, "config.json"));
        if (File.Exists(file))
        {
            using var json = ParseFile(file);
            return Fitting(
                file,
                model?.RootElement,
                Named(file, () => Create(json.RootElement, config?.RootElement, generation?.RootElement, template))
            );
        }

        var vocabFile = Path.Combine(folder, "vocab.json");
        var mergesFile = Path.Combine(folder, "merges.txt");
        if (!File.Exists(vocabFile) || !File.Exists(mergesFile))
        {
            throw new FileNotFoundException(
                $"'{folder}' has no tokenizer: neither tokenizer.json nor both vocab.json and merges.txt. A 'tokenizer.model' "
                    + $"(SentencePiece) must be converted to tokenizer.json first.",
                file
            );
        }

        using var vocab = ParseFile(vocabFile);
        var merges = ReadMerges(mergesFile);
        return Fitting(vocabFile, model?.RootElement, Named(vocabFile, () =>
            {
                var ids = BpeVocabulary.ReadIds(vocab.RootElement, "vocab.json");
                var (vocabulary, added, normalizer, plan) = VocabularyFiles.Read(ids, merges, config?.RootElement, model?.RootElement);
                return new Tokenizer(vocabulary, added, normalizer, plan, PostProcessor.None, Decoders.ByteLevel())
                {
                    Settings = TokenizerSettings.Read(config?.RootElement, generation?.RootElement, template, token =>
                        ids.TryGetValue(token, out var id) ? id : added.Find(one => one.Content == token)?.Id
                    ),
                };
            }));
    }

    /// <summary>
    /// Refuses a vocabulary that is larger than the one of the model beside it. Added tokens alone may be beyond it: some models have some
    /// that nobody uses.
    /// </summary>
    private static Tokenizer Fitting(string file, JsonElement? model, Tokenizer tokenizer)
    {
        if (
            model is not { ValueKind: JsonValueKind.Object } config
            || !config.TryGetProperty("vocab_size", out var given)
            || given.ValueKind != JsonValueKind.Number
            || !given.TryGetInt32(out var size)
        )
        {
            return tokenizer;
        }

        for (var id = Math.Max(size, 0); id < tokenizer.VocabularySize; id++)
        {
            if (tokenizer.TokenOf(id) is { } token && tokenizer.AddedTokenOf(id) is null)
            {
                throw new InvalidDataException(
                    $"{file}: token {id} is '{token}', but config.json beside it has a 'vocab_size' of {size}: ids up to {size - 1}. They "
                        + $"are not of one model."
                );
            }
        }

        return tokenizer;
    }

    public static Tokenizer Parse(string json, string? config)
    {
        try
        {
            using var document = JsonDocument.Parse(json, s_json);
            using var settings = config is null ? null : JsonDocument.Parse(config, s_json);
            return Create(document.RootElement, settings?.RootElement, null, null);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The tokenizer is not JSON: {e.Message}", e);
        }
    }

    private static Tokenizer Create(JsonElement root, JsonElement? config, JsonElement? generation, string? template)
    {
        var json = new ComponentJson(root, "tokenizer.json");
        json.OptionalString("version");
        // How texts are cut and filled up is the caller's business; the tokens are the same.
        json.Find("truncation");
        json.Find("padding");
        var added = json.Components("added_tokens").Select(token => AddedToken.Read(token)).ToList();
        var model = BpeVocabulary.Read(Section(json, "model") ?? throw new InvalidDataException("tokenizer.json lacks 'model'."));
        var normalizer = Section(json, "normalizer") is { } normal ? Normalizers.Create(normal) : null;
        var plan = PreTokenizers.Create(Section(json, "pre_tokenizer"));
        var post = PostProcessor.Create(Section(json, "post_processor"));
        var decoders = Decoders.Create(Section(json, "decoder"));
        json.Done();
        Func<string, int?> idOf = token => added.Find(one => one.Content == token)?.Id ?? model.IdOf(token);
        return new Tokenizer(model, added, normalizer, plan, ForLlama(post, config, idOf), decoders)
        {
            Settings = TokenizerSettings.Read(config, generation, template, idOf),
        };
    }

    /// <summary>
    /// The Llama classes put the template of the post-processor together anew from two settings; where these are given, they count.
    /// </summary>
    private static PostProcessor ForLlama(PostProcessor post, JsonElement? config, Func<string, int?> idOf)
    {
        if (
            TokenizerSettings.TokenOf(config, "tokenizer_class") is not ("LlamaTokenizer" or "LlamaTokenizerFast")
            || config is not { } settings
            || !(settings.TryGetProperty("add_bos_token", out var bos) | settings.TryGetProperty("add_eos_token", out var eos))
        )
        {
            return post;
        }

        int[] Ids(bool add, string name) =>
            !add ? []
            : TokenizerSettings.TokenOf(config, name) is { } token && idOf(token) is { } id ? [id]
            : throw new InvalidDataException($"tokenizer_config.json asks to add the {name}, but names none that the vocabulary has.");
        return new PostProcessor(
            Ids(bos.ValueKind != JsonValueKind.False, "bos_token"),
            Ids(eos.ValueKind == JsonValueKind.True, "eos_token")
        );
    }

    private static ComponentJson? Section(ComponentJson root, string name) =>
        root.Find(name) is { } value ? new ComponentJson(value, name) : null;

    private static List<(string, string)> ReadMerges(string file)
    {
        var merges = new List<(string, string)>();
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            if (line.Length > 0 && !(number == 1 && line.StartsWith("#version", StringComparison.Ordinal)))
            {
                merges.Add(
                    BpeVocabulary.Pair(line)
                        ?? throw new InvalidDataException(
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"{file}, line {number}: '{line}' is not two tokens with a blank between."
                            )
                        )
                );
            }
        }

        return merges;
    }

    private static JsonDocument? ReadIfThere(string file) => File.Exists(file) ? ParseFile(file) : null;

    private static JsonDocument ParseFile(string file)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(file), s_json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file} is not JSON: {e.Message}", e);
        }
    }

    private static Tokenizer Named(string file, Func<Tokenizer> make)
    {
        try
        {
            return make();
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{file}: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"{file} has a text that is no Unicode: {e.Message}", e);
        }
        catch (UnsupportedTokenizerException e)
        {
            throw new UnsupportedTokenizerException(e.Component, $"{file}: {e.Message}");
        }
    }
}
