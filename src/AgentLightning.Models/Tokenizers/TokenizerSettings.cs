using System.Text.Json;
using AgentLightning.Models.ChatTemplates;

namespace AgentLightning.Models.Tokenizers;

/// <summary>What the files beside tokenizer.json say: tokenizer_config.json, generation_config.json, chat_template.jinja.</summary>
internal sealed class TokenizerSettings
{
    public static TokenizerSettings None { get; } = new();

    public string? BosToken { get; private init; }

    public string? PadToken { get; private init; }

    public IReadOnlyList<int> EosIds { get; private init; } = [];

    public ChatTemplate? ChatTemplate { get; private init; }

    /// <summary>The template that a folder keeps apart for prompts with tools.</summary>
    public ChatTemplate? ToolTemplate { get; private init; }

    /// <summary>The names that every template can use, such as <c>bos_token</c>.</summary>
    public IReadOnlyDictionary<string, object?> TemplateTokens { get; private init; } = new Dictionary<string, object?>();

    /// <param name="config">tokenizer_config.json, if any.</param>
    /// <param name="generation">generation_config.json, if any.</param>
    /// <param name="template">chat_template.jinja, if any; it goes before the one in tokenizer_config.json.</param>
    public static TokenizerSettings Read(JsonElement? config, JsonElement? generation, string? template, Func<string, int?> idOf)
    {
        var tokens = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var name in (string[])["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"])
        {
            if (TokenOf(config, name) is { } token)
            {
                tokens[name] = token;
            }
        }

        var (chat, tools) = Templates(config);
        return new TokenizerSettings
        {
            BosToken = (string?)tokens.GetValueOrDefault("bos_token"),
            PadToken = (string?)tokens.GetValueOrDefault("pad_token"),
            EosIds = [.. Eos((string?)tokens.GetValueOrDefault("eos_token"), generation, idOf).Distinct()],
            TemplateTokens = tokens,
            ChatTemplate = (template ?? chat) is { } source ? ChatTemplate.Parse(source) : null,
            ToolTemplate = template is null && tools is not null ? ChatTemplate.Parse(tools) : null,
        };
    }

    /// <summary>A token is given by its text, or by an object with its text.</summary>
    public static string? TokenOf(JsonElement? config, string name)
    {
        if (config is not { ValueKind: JsonValueKind.Object } settings || !settings.TryGetProperty(name, out var value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out var content))
        {
            value = content;
        }

        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Null => null,
            _ => throw new InvalidDataException(
                $"tokenizer_config.json gives '{name}' as {value.GetRawText()}, which is neither a text nor an object with 'content'."
            ),
        };
    }

    private static IEnumerable<int> Eos(string? token, JsonElement? generation, Func<string, int?> idOf)
    {
        if (token is not null && idOf(token) is { } id)
        {
            yield return id;
        }

        if (generation is { ValueKind: JsonValueKind.Object } settings && settings.TryGetProperty("eos_token_id", out var value))
        {
            foreach (var item in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value])
            {
                if (item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var end))
                {
                    yield return end;
                }
            }
        }
    }

    private static (string? Chat, string? Tools) Templates(JsonElement? config)
    {
        if (
            config is not { ValueKind: JsonValueKind.Object } settings
            || !settings.TryGetProperty("chat_template", out var value)
            || value.ValueKind == JsonValueKind.Null
        )
        {
            return default;
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return (value.GetString(), null);
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw new InvalidDataException(
                "tokenizer_config.json gives 'chat_template' neither as a text nor as a list of named templates."
            );
        }

        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (
            var item in value.EnumerateArray().Select((item, i) => new ComponentJson(item, $"tokenizer_config.json: chat_template[{i}]"))
        )
        {
            named[item.String("name")] = item.String("template");
        }

        return (named.GetValueOrDefault("default"), named.GetValueOrDefault("tool_use"));
    }
}
