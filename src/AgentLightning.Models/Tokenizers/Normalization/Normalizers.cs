using System.Globalization;
using System.Text;
using AgentLightning.Models.Tokenizers.Pieces;

namespace AgentLightning.Models.Tokenizers.Normalization;

/// <summary>Changes text before it is split into pieces. Gets and gives text without unpaired surrogates.</summary>
internal delegate string Normalizer(string text);

/// <summary>Makes normalizers from tokenizer.json.</summary>
internal static class Normalizers
{
    private const string Known = "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Prepend, Replace, Sequence";

    public static Normalizer Create(ComponentJson json)
    {
        Normalizer made = json.Type switch
        {
            "NFC" => text => UnicodeForm.Normalize(text, composed: true, compatible: false),
            "NFD" => text => UnicodeForm.Normalize(text, composed: false, compatible: false),
            "NFKC" => text => UnicodeForm.Normalize(text, composed: true, compatible: true),
            "NFKD" => text => UnicodeForm.Normalize(text, composed: false, compatible: true),
            "Lowercase" => Lowercase,
            "Strip" => Strip(json),
            "StripAccents" => StripAccents,
            "Prepend" => Prepend(json.String("prepend")),
            "Replace" => new Normalizer(Replacement(json)),
            "Sequence" => Sequence([.. json.Components("normalizers").Select(Create)]),
            _ => throw json.Unknown(Known),
        };
        json.Done();
        return made;
    }

    /// <summary>Replaces every match of a pattern by a text that is taken as it stands.</summary>
    public static Func<string, string> Replacement(ComponentJson json)
    {
        var pattern = json.Component("pattern") ?? throw new InvalidDataException($"{json.Path} lacks 'pattern'.");
        var content = json.String("content");
        if (pattern.OptionalString("String") is { } literal)
        {
            pattern.Done();
            return literal.Length == 0
                ? throw new InvalidDataException($"{pattern.Path}.String is empty.")
                : text => text.Replace(literal, content, StringComparison.Ordinal);
        }

        var regex = PieceRegex.Compile(pattern.String("Regex"), pattern);
        pattern.Done();
        return text => regex.Replace(text, content);
    }

    private static Normalizer Sequence(Normalizer[] steps) =>
        text =>
        {
            foreach (var step in steps)
            {
                text = step(text);
            }

            return text;
        };

    private static Normalizer Prepend(string prefix) => text => text.Length == 0 ? text : prefix + text;

    private static Normalizer Strip(ComponentJson json)
    {
        bool left = json.Bool("strip_left", true),
            right = json.Bool("strip_right", true);
        return text =>
            (left, right) switch
            {
                (true, true) => text.Trim(),
                (true, false) => text.TrimStart(),
                (false, true) => text.TrimEnd(),
                _ => text,
            };
    }

    /// <summary>
    /// Letter by letter, so that a sigma at the end of a word is one in its middle, as in the original; only the dotted I becomes two.
    /// </summary>
    private static string Lowercase(string text) => text.ToLowerInvariant().Replace("\u0130", "i\u0307", StringComparison.Ordinal);

    private static string StripAccents(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (
                Rune.GetUnicodeCategory(rune)
                is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark)
            )
            {
                kept.Append(rune.ToString());
            }
        }

        return kept.ToString();
    }
}
