using System.Text;

namespace AgentLightning.Models.Tokenizers.Pieces;

/// <summary>Splits a piece into smaller ones.</summary>
/// <param name="first">Whether the piece stands at the very beginning of the text.</param>
internal delegate void PreTokenizer(ReadOnlyMemory<char> piece, bool first, List<ReadOnlyMemory<char>> output);

/// <summary>Makes pre-tokenizers from tokenizer.json.</summary>
internal static class PreTokenizers
{
    private const string Known = "ByteLevel, Split, Digits, Whitespace, WhitespaceSplit, Punctuation, Metaspace, Sequence";

    /// <summary>The steps in order, as they are nested in the file.</summary>
    public static PreTokenizerPlan Create(ComponentJson? json)
    {
        var plan = new PreTokenizerPlan();
        if (json is not null)
        {
            Add(json, plan);
        }

        return plan;
    }

    private static void Add(ComponentJson json, PreTokenizerPlan plan)
    {
        if (plan.ByteLevel)
        {
            throw new UnsupportedTokenizerException(
                json.Path,
                $"{json.Path} ({json.Type}) comes after ByteLevel, which is only implemented as the last step."
            );
        }

        switch (json.Type)
        {
            case "Sequence":
                foreach (var inner in json.Components("pretokenizers"))
                {
                    Add(inner, plan);
                }

                break;
            case "ByteLevel":
                ByteLevel(json, plan);
                break;
            case "Split":
                Split(json, plan);
                break;
            case "Digits":
                var single = json.Bool("individual_digits", false);
                plan.Add(SplitBy(Rune.IsNumber, single ? SplitBehavior.Isolated : SplitBehavior.Contiguous));
                break;
            case "Punctuation":
                plan.Add(SplitBy(IsPunctuation, Behavior(json, "Isolated")));
                break;
            case "WhitespaceSplit":
                plan.Add(SplitBy(Rune.IsWhiteSpace, SplitBehavior.Removed));
                break;
            case "Whitespace":
                plan.Add(SplitBy(PieceRegex.Compile(@"\w+|[^\w\s]+", json), SplitBehavior.Removed, invert: true));
                break;
            case "Metaspace":
                plan.Add(Metaspace(json));
                break;
            default:
                throw json.Unknown(Known);
        }

        json.Done();
    }

    private static void ByteLevel(ComponentJson json, PreTokenizerPlan plan)
    {
        json.Bool("trim_offsets", true);
        if (json.Bool("add_prefix_space", true))
        {
            plan.Add((piece, _, output) => output.Add(piece.Span.StartsWith(" ") ? piece : (" " + piece.ToString()).AsMemory()));
        }

        if (json.Bool("use_regex", true))
        {
            plan.Add(FamilySplitter.Gpt2);
        }

        plan.ByteLevel = true;
    }

    private static void Split(ComponentJson json, PreTokenizerPlan plan)
    {
        var pattern = json.Component("pattern") ?? throw new InvalidDataException($"{json.Path} lacks 'pattern'.");
        var behavior = Behavior(json, null);
        var invert = json.Bool("invert", false);
        if (pattern.OptionalString("String") is { } literal)
        {
            plan.Add(SplitBy(PieceRegex.Literal(literal), behavior, invert));
        }
        else
        {
            var regex = pattern.String("Regex");
            // The families' patterns leave nothing between two matches, so that these ways to split give the same pieces.
            if (
                FamilySplitter.For(regex) is { } family
                && ((behavior == SplitBehavior.Removed && invert) || behavior == SplitBehavior.Isolated)
            )
            {
                plan.Add(family);
            }
            else
            {
                plan.Add(SplitBy(PieceRegex.Compile(regex, pattern), behavior, invert));
            }
        }

        pattern.Done();
    }

    private static SplitBehavior Behavior(ComponentJson json, string? otherwise)
    {
        var name = json.OptionalString("behavior") ?? otherwise ?? json.String("behavior");
        return Enum.TryParse<SplitBehavior>(name, out var behavior) && Enum.IsDefined(behavior)
            ? behavior
            : throw json.Refuse("behavior", name, string.Join(", ", Enum.GetNames<SplitBehavior>()));
    }

    private static PreTokenizer Metaspace(ComponentJson json)
    {
        var replacement = json.OptionalString("replacement") ?? "\u2581";
        var prefix = json.Bool("add_prefix_space", true);
        var scheme = json.OptionalString("prepend_scheme") ?? (prefix ? "always" : "never");
        var split = json.Bool("split", true);
        if (json.OptionalString("str_rep") is { } shown && shown != replacement)
        {
            throw json.Refuse("str_rep", shown, "the same as 'replacement'");
        }

        if (scheme is not ("always" or "first" or "never"))
        {
            throw json.Refuse("prepend_scheme", scheme, "always, first, never");
        }

        if (replacement.Length != 1)
        {
            throw json.Refuse("replacement", replacement, "one character");
        }

        return (piece, first, output) =>
        {
            var text = piece.ToString().Replace(' ', replacement[0]);
            if (text[0] != replacement[0] && (scheme == "always" || (scheme == "first" && first)))
            {
                text = replacement + text;
            }

            if (split)
            {
                Splits.Apply(
                    text.AsMemory(),
                    Segments.Of(text, rune => rune.Value == replacement[0]),
                    SplitBehavior.MergedWithNext,
                    output
                );
            }
            else
            {
                output.Add(text.AsMemory());
            }
        };
    }

    private static PreTokenizer SplitBy(Func<Rune, bool> match, SplitBehavior behavior) =>
        (piece, _, output) => Splits.Apply(piece, Segments.Of(piece.Span, match), behavior, output);

    private static PreTokenizer SplitBy(PieceRegex regex, SplitBehavior behavior, bool invert) =>
        (piece, _, output) => Splits.Apply(piece, Segments.Of(piece.Span, regex, invert), behavior, output);

    private static bool IsPunctuation(Rune rune) => Rune.IsPunctuation(rune) || (rune.IsAscii && "$+<=>^`|~".Contains((char)rune.Value));
}
