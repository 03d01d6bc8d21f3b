using System.Text.Json;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

/// <summary>A text with the ids that another implementation gives for it.</summary>
internal sealed record TokenizerCase(string Family, string Text, int[] Ids, int[] Plain, string Decoded, string Clean);

/// <summary>The committed tokenizers, one for each family of components, and cases made with npm's @huggingface/tokenizers.</summary>
internal static class TokenizerFixtures
{
    private static readonly Dictionary<string, Tokenizer> s_tokenizers = [];

    public static readonly string Folder = Path.Combine(Repository.Root, "tests", "AgentLightning.Models.Tests", "Fixtures", "Tokenizers");

    public static readonly string[] Families = ["gpt2", "llama3", "qwen2", "llama2", "mistral", "digits", "splits"];

    public static string Json(string family) => File.ReadAllText(Path.Combine(Folder, "families", family + ".json"));

    public static Tokenizer Load(string family)
    {
        lock (s_tokenizers)
        {
            return s_tokenizers.TryGetValue(family, out var tokenizer) ? tokenizer : s_tokenizers[family] = Tokenizer.Parse(Json(family));
        }
    }

    public static IEnumerable<TokenizerCase> Cases(string family)
    {
        foreach (var line in File.ReadLines(Path.Combine(Folder, "cases.jsonl")))
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            if (root.GetProperty("family").GetString() == family)
            {
                // Texts that are no Unicode are given by their UTF-16 units.
                var text = root.TryGetProperty("text", out var given)
                    ? given.GetString()!
                    : new string([.. root.GetProperty("units").EnumerateArray().Select(unit => (char)unit.GetInt32())]);
                var ids = Ids(root.GetProperty("ids"));
                yield return new TokenizerCase(
                    family,
                    text,
                    ids,
                    root.TryGetProperty("plain", out var plain) ? Ids(plain) : ids,
                    root.GetProperty("decoded").GetString()!,
                    root.GetProperty("clean").GetString()!
                );
            }
        }
    }

    /// <summary>Random text of everything that breaks tokenizers, without unpaired surrogates.</summary>
    public static string RandomText(Random random)
    {
        string[] parts =
        [
            "the ",
            "don't",
            "'LL",
            "'\u017F",
            "I'm",
            " ",
            "  ",
            "\n",
            "\r\n",
            "\t",
            "\u00A0",
            "\u3000",
            "\u0085",
            "\uFEFF",
            "\u2028",
            "1",
            "12345",
            "\u00BD",
            "\u0663",
            "e\u0301",
            "\u00E9",
            "\uFB01",
            "\u1112\u1161\u11AB",
            "한",
            "中文",
            "かな",
            "שלום",
            "مرحبا",
            "ไทย",
            "λόγος",
            "😀",
            "👨‍👩‍👧",
            "𝒳",
            "𐐷",
            "𠀀",
            "𝟘",
            "\u0301",
            "\u200D",
            "\0",
            "\uFFFD",
            "\u2581",
            "Ġ",
            "<0x0A>",
            ".",
            "...",
            "!?",
            "-",
            "__",
            "{",
            "}",
            "\"",
            "'",
            "\\",
            "$",
            "€",
            "<|im_start|>",
            "<s>",
            "</s>",
            "x",
            "Y",
            "z",
        ];
        return string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => parts[random.Next(parts.Length)]));
    }

    private static int[] Ids(JsonElement ids) => [.. ids.EnumerateArray().Select(id => id.GetInt32())];
}
