using System.Text;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Tokenizers.Bpe;
using AgentLightning.Models.Tokenizers.Decoding;
using AgentLightning.Models.Tokenizers.Normalization;
using AgentLightning.Models.Tokenizers.Pieces;

namespace AgentLightning.Models.Tokenizers;

/// <summary>
/// Text to token ids and back, exactly as a Hugging Face folder says: byte-level BPE (GPT-2, Llama 3, Qwen) and BPE over characters with
/// bytes to fall back on (Llama 2, Mistral). What such a folder can ask for and this class cannot do is an
/// <see cref="UnsupportedTokenizerException"/> when it is loaded.
/// </summary>
/// <remarks>Safe for many threads at once.</remarks>
public sealed class Tokenizer
{
    private readonly BpeModel _model;
    private readonly Normalizer? _normalizer;
    private readonly PreTokenizerPlan _plan;
    private readonly PostProcessor _post;
    private readonly Decoders _decoders;
    private readonly AddedTokenFinder _given;
    private readonly AddedTokenFinder? _normalized;
    private readonly Dictionary<string, int> _ids;
    private readonly string?[] _tokens;
    private readonly Dictionary<int, AddedToken> _added = [];

    internal Tokenizer(
        BpeVocabulary vocabulary,
        IReadOnlyList<AddedToken> added,
        Normalizer? normalizer,
        PreTokenizerPlan plan,
        PostProcessor post,
        Decoders decoders
    )
    {
        (_normalizer, _plan, _post, _decoders) = (normalizer, plan, post, decoders);
        _model = new BpeModel(vocabulary, plan.ByteLevel);
        _ids = new Dictionary<string, int>(vocabulary.Ids, StringComparer.Ordinal);
        foreach (var token in added)
        {
            _ids[token.Content] = token.Id;
            _added[token.Id] = token;
        }

        _tokens = Tokens(vocabulary, added);
        _given = new AddedTokenFinder(added.Where(token => !token.Normalized).Select(token => (token.Content, token)));
        List<(string, AddedToken)> normalized =
        [
            .. added.Where(token => token.Normalized).Select(token => (Normalize(token.Content), token)),
        ];
        _normalized = normalized.Count > 0 ? new AddedTokenFinder(normalized) : null;
        AddedTokens = [.. added];
    }

    /// <summary>One more than the highest id. A model may have more rows than that; ids without a token decode to nothing.</summary>
    public int VocabularySize => _tokens.Length;

    /// <summary>The tokens that are found before merging, in the order of the file.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <summary>The token that begins a text, or null when the folder names none.</summary>
    public int? BosId => Settings.BosToken is { } token ? IdOf(token) : null;

    /// <summary>The tokens that end a generation: that of the tokenizer and those of generation_config.json.</summary>
    public IReadOnlyList<int> EosIds => Settings.EosIds;

    /// <summary>The token that fills batches up, or null.</summary>
    public int? PadId => Settings.PadToken is { } token ? IdOf(token) : null;

    /// <summary>How messages become a prompt, or null when the folder has no template.</summary>
    public ChatTemplate? ChatTemplate => Settings.ChatTemplate;

    /// <summary>The one for prompts with tools, where the folder keeps one apart.</summary>
    public ChatTemplate? ToolTemplate => Settings.ToolTemplate ?? Settings.ChatTemplate;

    /// <summary>The special tokens that every chat template can name, such as <c>bos_token</c>.</summary>
    public IReadOnlyDictionary<string, object?> TemplateTokens => Settings.TemplateTokens;

    internal TokenizerSettings Settings { get; init; } = TokenizerSettings.None;

    /// <summary>
    /// Loads the tokenizer of a Hugging Face folder: <c>tokenizer.json</c>, or <c>vocab.json</c> and <c>merges.txt</c>; with
    /// <c>tokenizer_config.json</c> and its like, where there are any.
    /// </summary>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message names it and the place.</exception>
    /// <exception cref="UnsupportedTokenizerException">The tokenizer needs something that is not implemented.</exception>
    public static Tokenizer Load(string folder) => TokenizerLoader.Load(folder);

    /// <summary>Reads the content of a tokenizer.json.</summary>
    /// <param name="config">The content of tokenizer_config.json, if any.</param>
    public static Tokenizer Parse(string json, string? config = null) => TokenizerLoader.Parse(json, config);

    /// <summary>The ids of a text. Unpaired surrogates are read as U+FFFD.</summary>
    /// <param name="addSpecialTokens">Whether the tokens are added that the folder puts around a text, such as the beginning of a text for
    /// Llama. Not for texts made by a chat template, which has them already.</param>
    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        var ids = new List<int>((text.Length / 3) + 4);
        Encode(text, addSpecialTokens, ids);
        return [.. ids];
    }

    /// <summary>Adds the ids of a text to a list.</summary>
    public void Encode(string text, bool addSpecialTokens, List<int> output)
    {
        if (addSpecialTokens)
        {
            output.AddRange(_post.Before);
        }

        text = WithoutLoneSurrogates(text);
        var from = 0;
        while (from < text.Length)
        {
            var found = _given.TryFind(text, from, out var token, out var start, out var end);
            if (start > from)
            {
                EncodeSection(start == text.Length && from == 0 ? text : text[from..start], from == 0, output);
            }

            if (found)
            {
                output.Add(token.Id);
            }

            from = end;
        }

        if (addSpecialTokens)
        {
            output.AddRange(_post.After);
        }
    }

    /// <summary>The text of ids. Spacing is kept as it is; ids without a token give nothing.</summary>
    /// <param name="skipSpecial">Whether special tokens are left out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecial = true)
    {
        var decoder = CreateStreamingDecoder(skipSpecial);
        foreach (var id in ids)
        {
            decoder.Add(id);
        }

        return decoder.Finish();
    }

    /// <summary>A decoder for tokens that come one by one.</summary>
    public StreamingDecoder CreateStreamingDecoder(bool skipSpecial = true) => new(this, _decoders, skipSpecial);

    /// <summary>A token as the vocabulary writes it, or null.</summary>
    public string? TokenOf(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>The bytes that a token adds to a text that has begun; null for special tokens and ids without one.</summary>
    internal byte[]? BytesOf(int id) =>
        (TokenOf(id), AddedTokenOf(id)) switch
        {
            (null, _) or (_, { Special: true }) => null,
            (_, { } added) => Encoding.UTF8.GetBytes(added.Content),
            (var token, null) => _decoders.BytesOf(token),
        };

    /// <summary>The id of a token as the vocabulary writes it, or null.</summary>
    public int? IdOf(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>The added token with an id, or null.</summary>
    public AddedToken? AddedTokenOf(int id) => _added.GetValueOrDefault(id);

    /// <summary>
    /// Makes a prompt of messages with the folder's chat template and its special tokens. Encode it without adding special tokens.
    /// </summary>
    /// <exception cref="InvalidOperationException">The folder has no chat template.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the messages, or cannot be run.</exception>
    public string RenderChat(
        IReadOnlyList<object?> messages,
        IReadOnlyList<object?>? tools = null,
        bool addGenerationPrompt = true,
        IReadOnlyDictionary<string, object?>? extra = null
    ) => RenderMarkedChat(messages, tools, addGenerationPrompt, extra).Text;

    /// <summary>The same, and the parts that the template says a model writes.</summary>
    internal (string Text, IReadOnlyList<Range> Generated) RenderMarkedChat(
        IReadOnlyList<object?> messages,
        IReadOnlyList<object?>? tools,
        bool addGenerationPrompt,
        IReadOnlyDictionary<string, object?>? extra = null
    )
    {
        var template = (tools is { Count: > 0 } ? ToolTemplate : ChatTemplate)
            ?? throw new InvalidOperationException(
                "This tokenizer has no chat template. Add 'chat_template' to tokenizer_config.json, or a file chat_template.jinja beside "
                    + "it."
            );
        var values = new Dictionary<string, object?>(Settings.TemplateTokens, StringComparer.Ordinal);
        foreach (var (name, value) in extra ?? new Dictionary<string, object?>())
        {
            values[name] = value;
        }

        return template.RenderMarked(messages, tools, addGenerationPrompt, values);
    }

    private static string?[] Tokens(BpeVocabulary vocabulary, IReadOnlyList<AddedToken> added)
    {
        // An id far beyond the number of tokens is a mistake in the file, and would take the memory with it.
        var most = (2L * (vocabulary.Ids.Count + added.Count)) + 100_000;
        var highest = vocabulary.Ids.Values.Concat(added.Select(token => token.Id)).DefaultIfEmpty(-1).Max();
        if (highest > most || added.Any(token => token.Id < 0))
        {
            throw new InvalidDataException($"The vocabulary has {vocabulary.Ids.Count + added.Count} tokens, but ids up to {highest}.");
        }

        var tokens = new string?[highest + 1];
        foreach (var (token, id) in vocabulary.Ids)
        {
            tokens[id] = token;
        }

        foreach (var token in added)
        {
            tokens[token.Id] = token.Content;
        }

        return tokens;
    }

    private void EncodeSection(string section, bool first, List<int> output)
    {
        var text = Normalize(section);
        if (_normalized is null)
        {
            EncodeText(text, first, output);
            return;
        }

        var from = 0;
        while (from < text.Length)
        {
            var found = _normalized.TryFind(text, from, out var token, out var start, out var end);
            if (start > from)
            {
                EncodeText(start == text.Length && from == 0 ? text : text[from..start], first && from == 0, output);
            }

            if (found)
            {
                output.Add(token.Id);
            }

            from = end;
        }
    }

    private void EncodeText(string text, bool first, List<int> output)
    {
        if (_plan.IsEmpty)
        {
            _model.Encode(text, output);
        }
        else if (_plan.Family is { } family)
        {
            for (var start = 0; start < text.Length; )
            {
                var end = family.End(text, start);
                _model.Encode(text.AsSpan(start, end - start), output);
                start = end;
            }
        }
        else
        {
            foreach (var piece in _plan.Split(text.AsMemory(), first))
            {
                _model.Encode(piece.Span, output);
            }
        }
    }

    private string Normalize(string text) => _normalizer is null ? text : _normalizer(text);

    internal static string WithoutLoneSurrogates(string text)
    {
        var at = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (at < 0)
        {
            return text;
        }

        for (; at < text.Length; at++)
        {
            if (char.IsSurrogate(text[at]))
            {
                if (at + 1 == text.Length || !char.IsSurrogatePair(text[at], text[at + 1]))
                {
                    return Encoding.Unicode.GetString(Encoding.Unicode.GetBytes(text));
                }

                at++;
            }
        }

        return text;
    }
}
