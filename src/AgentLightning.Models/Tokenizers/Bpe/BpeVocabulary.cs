using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentLightning.Models.Tokenizers.Bpe;

/// <summary>Tokens, merges and options of a model "BPE".</summary>
internal sealed class BpeVocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, int> _idOfRune = [];
    private readonly int[] _idOfByteCharacter = new int[256];
    private readonly int[] _idOfFallback = new int[256];

    private BpeVocabulary(Dictionary<string, int> ids, IReadOnlyList<(string Left, string Right)> merges, string path)
    {
        _ids = ids;
        var table = new (int, int, int)[merges.Count];
        var merged = new string[merges.Count];
        for (var i = 0; i < merges.Count; i++)
        {
            var (left, right) = merges[i];
            merged[i] = left + right;
            table[i] = (Find(left, i), Find(right, i), Find(merged[i], i));
        }

        Merges = new MergeTable(table);
        MergedTokens = merged;
        for (var value = 0; value < 256; value++)
        {
            _idOfByteCharacter[value] = ids.GetValueOrDefault(ByteAlphabet.CharOf((byte)value).ToString(), -1);
            _idOfFallback[value] = ids.GetValueOrDefault($"<0x{value:X2}>", -1);
        }

        foreach (var (token, id) in ids)
        {
            if (Rune.TryGetRuneAt(token.Length == 0 ? "\uD800" : token, 0, out var rune) && rune.Utf16SequenceLength == token.Length)
            {
                _idOfRune[rune.Value] = id;
            }
        }

        int Find(string token, int merge) =>
            _ids.TryGetValue(token, out var id)
                ? id
                : throw new InvalidDataException(
                    $"{path}.merges[{merge}] is '{merges[merge].Left}' and '{merges[merge].Right}', but the vocabulary has no token "
                        + $"'{token}'."
                );
    }

    public MergeTable Merges { get; }

    public IReadOnlyList<string> MergedTokens { get; }

    public int? UnknownId { get; private init; }

    public bool FuseUnknown { get; private init; }

    public bool ByteFallback { get; private init; }

    public bool IgnoreMerges { get; private init; }

    public IReadOnlyDictionary<string, int> Ids => _ids;

    public int? IdOf(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>The token that is one character, or −1.</summary>
    public int IdOf(Rune rune) => _idOfRune.GetValueOrDefault(rune.Value, -1);

    /// <summary>The token of a byte in byte-level vocabularies, or −1.</summary>
    public int IdOfByteCharacter(byte value) => _idOfByteCharacter[value];

    /// <summary>The token <c>&lt;0xNN&gt;</c>, or −1.</summary>
    public int IdOfFallback(byte value) => _idOfFallback[value];

    /// <summary>A vocabulary without options, as GPT-2 has it.</summary>
    public static BpeVocabulary Create(Dictionary<string, int> ids, IReadOnlyList<(string Left, string Right)> merges, string path) =>
        new(ids, merges, path);

    /// <summary>Reads the section <c>model</c> of tokenizer.json.</summary>
    public static BpeVocabulary Read(ComponentJson json)
    {
        // Files of the first years name no type; the merges tell.
        if (json.OptionalString("type") is { } type && type != "BPE")
        {
            throw json.Unknown("BPE");
        }

        foreach (var affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (json.OptionalString(affix) is { Length: > 0 } value)
            {
                throw json.Refuse(affix, value, "an empty text");
            }
        }

        if (json.Find("dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0))
        {
            throw json.Refuse("dropout", dropout.GetRawText(), "null");
        }

        var ids = ReadIds(json.Find("vocab") ?? throw new InvalidDataException($"{json.Path} lacks 'vocab'."), $"{json.Path}.vocab");
        var unknown = json.OptionalString("unk_token");
        var vocabulary = new BpeVocabulary(ids, ReadMerges(json), json.Path)
        {
            UnknownId =
                unknown is null ? null
                : ids.TryGetValue(unknown, out var id) ? id
                : throw new InvalidDataException($"{json.Path}.unk_token is '{unknown}', which is not in the vocabulary."),
            FuseUnknown = json.Bool("fuse_unk", false),
            ByteFallback = json.Bool("byte_fallback", false),
            IgnoreMerges = json.Bool("ignore_merges", false),
        };
        json.Done();
        return vocabulary;
    }

    public static Dictionary<string, int> ReadIds(JsonElement vocab, string path)
    {
        if (vocab.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException(
                $"{path} should be an object of tokens and ids, but it is {vocab.ValueKind.ToString().ToLowerInvariant()}."
            );
        }

        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in vocab.EnumerateObject())
        {
            ids[token.Name] =
                token.Value.ValueKind == JsonValueKind.Number && token.Value.TryGetInt32(out var id) && id >= 0
                    ? id
                    : throw new InvalidDataException(
                        $"{path} gives the token '{token.Name}' the id {token.Value.GetRawText()}, which is not a whole number from 0."
                    );
        }

        return ids;
    }

    private static List<(string, string)> ReadMerges(ComponentJson json)
    {
        var merges = new List<(string, string)>();
        foreach (var item in json.Items("merges"))
        {
            if (item.ValueKind == JsonValueKind.String && Pair(item.GetString()!) is { } pair)
            {
                merges.Add(pair);
            }
            else if (
                item.ValueKind == JsonValueKind.Array
                && item.GetArrayLength() == 2
                && item[0].ValueKind == JsonValueKind.String
                && item[1].ValueKind == JsonValueKind.String
            )
            {
                merges.Add((item[0].GetString()!, item[1].GetString()!));
            }
            else
            {
                throw new InvalidDataException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{json.Path}.merges[{merges.Count}] is neither two tokens with a blank between nor a list of two tokens: "
                            + $"{item.GetRawText()}."
                    )
                );
            }
        }

        return merges;
    }

    /// <summary>Two tokens with a blank between, or null.</summary>
    public static (string Left, string Right)? Pair(string line)
    {
        var at = line.IndexOf(' ', StringComparison.Ordinal);
        return at <= 0 || at == line.Length - 1 || line.IndexOf(' ', at + 1) >= 0 ? null : (line[..at], line[(at + 1)..]);
    }
}
