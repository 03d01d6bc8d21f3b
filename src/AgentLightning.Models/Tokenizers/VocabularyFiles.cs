using System.Globalization;
using System.Text.Json;
using AgentLightning.Models.Tokenizers.Bpe;
using AgentLightning.Models.Tokenizers.Normalization;
using AgentLightning.Models.Tokenizers.Pieces;

namespace AgentLightning.Models.Tokenizers;

/// <summary>
/// Folders with vocab.json and merges.txt do not say how text is split; the class of the tokenizer, or the type of the model, does.
/// </summary>
internal static class VocabularyFiles
{
    public static (BpeVocabulary Vocabulary, List<AddedToken> Added, Normalizer? Normalizer, PreTokenizerPlan Plan) Read(
        Dictionary<string, int> ids,
        List<(string, string)> merges,
        JsonElement? config,
        JsonElement? model
    )
    {
        var name = TokenizerSettings.TokenOf(config, "tokenizer_class") ?? TokenizerSettings.TokenOf(model, "model_type") ?? "";
        var qwen = name is "Qwen2Tokenizer" or "Qwen2TokenizerFast" or "qwen2" or "qwen3";
        if (!qwen && name is not ("GPT2Tokenizer" or "GPT2TokenizerFast" or "gpt2"))
        {
            throw new UnsupportedTokenizerException(
                "tokenizer_class",
                $"The tokenizer is of the class or model '{name}'. Without tokenizer.json, only GPT2Tokenizer and Qwen2Tokenizer are "
                    + $"known; save the tokenizer with 'use_fast=True' to get a tokenizer.json."
            );
        }

        var plan = new PreTokenizerPlan();
        if (config is { } settings && settings.TryGetProperty("add_prefix_space", out var prefix) && prefix.ValueKind == JsonValueKind.True)
        {
            plan.Add((piece, _, output) => output.Add(piece.Span.StartsWith(" ") ? piece : (" " + piece.ToString()).AsMemory()));
        }

        plan.Add(qwen ? FamilySplitter.Qwen2 : FamilySplitter.Gpt2);
        plan.ByteLevel = true;
        Normalizer? normalizer = qwen ? text => UnicodeForm.Normalize(text, composed: true, compatible: false) : null;
        return (BpeVocabulary.Create(ids, merges, "merges.txt"), Added(ids, config), normalizer, plan);
    }

    private static List<AddedToken> Added(Dictionary<string, int> ids, JsonElement? config)
    {
        var added = new List<AddedToken>();
        if (
            config is { ValueKind: JsonValueKind.Object } settings
            && settings.TryGetProperty("added_tokens_decoder", out var tokens)
            && tokens.ValueKind == JsonValueKind.Object
        )
        {
            foreach (var token in tokens.EnumerateObject())
            {
                added.Add(
                    int.TryParse(token.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                        ? AddedToken.Read(new ComponentJson(token.Value, $"tokenizer_config.json: added_tokens_decoder.{token.Name}"), id)
                        : throw new InvalidDataException(
                            $"tokenizer_config.json has 'added_tokens_decoder.{token.Name}', which is not an id."
                        )
                );
            }
        }

        foreach (var name in (string[])["bos_token", "eos_token", "unk_token", "pad_token"])
        {
            // GPT-2 has one token for all purposes, and its first folders did not say so.
            var token = TokenizerSettings.TokenOf(config, name) ?? (name == "eos_token" ? "<|endoftext|>" : null);
            if (token is not null && ids.TryGetValue(token, out var id) && added.TrueForAll(one => one.Content != token))
            {
                added.Add(new AddedToken(id, token, Special: true));
            }
        }

        return added;
    }
}
