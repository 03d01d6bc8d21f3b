namespace AgentLightning.Models.Tokenizers;

/// <summary>The special tokens around an encoded text.</summary>
internal sealed record PostProcessor(int[] Before, int[] After)
{
    private const string Known = "TemplateProcessing, ByteLevel, Sequence";

    public static PostProcessor None { get; } = new([], []);

    public static PostProcessor Create(ComponentJson? json)
    {
        if (json is null)
        {
            return None;
        }

        var made = None;
        switch (json.Type)
        {
            case "TemplateProcessing":
                made = Template(json);
                break;
            case "ByteLevel":
                // Only says how offsets of pieces are trimmed; the tokens stay.
                json.Bool("add_prefix_space", true);
                json.Bool("trim_offsets", true);
                json.Bool("use_regex", true);
                break;
            case "Sequence":
                foreach (var inner in json.Components("processors").Select(Create))
                {
                    made = new PostProcessor([.. inner.Before, .. made.Before], [.. made.After, .. inner.After]);
                }

                break;
            default:
                throw json.Unknown(Known);
        }

        json.Done();
        return made;
    }

    private static PostProcessor Template(ComponentJson json)
    {
        var special = json.Component("special_tokens");
        List<int> before = [],
            after = [];
        var seen = false;
        foreach (var item in json.Components("single"))
        {
            if (item.Component("Sequence") is { } sequence)
            {
                if (seen || sequence.String("id") != "A")
                {
                    throw new UnsupportedTokenizerException(
                        sequence.Path,
                        $"{sequence.Path} is not the one sequence 'A'; templates of one text have no other."
                    );
                }

                seen = true;
            }
            else if (item.Component("SpecialToken") is { } token)
            {
                (seen ? after : before).AddRange(Ids(token.String("id"), special, json));
            }
            else
            {
                item.Done();
                throw new InvalidDataException($"{item.Path} names neither a sequence nor a special token.");
            }
        }

        // The template for two texts is for classifiers of pairs; nothing here encodes pairs.
        json.Find("pair");
        return seen
            ? new PostProcessor([.. before], [.. after])
            : throw new InvalidDataException($"{json.Path}.single has no sequence 'A': the text would be lost.");
    }

    private static IEnumerable<int> Ids(string name, ComponentJson? special, ComponentJson owner)
    {
        var entry = special?.Component(name)
            ?? throw new InvalidDataException($"{owner.Path}.special_tokens lacks '{name}', which the template uses.");
        return
        [
            .. entry
                .Items("ids")
                .Select(id =>
                    id.TryGetInt32(out var value)
                        ? value
                        : throw new InvalidDataException($"{entry.Path}.ids has {id.GetRawText()}, which is not an id.")
                ),
        ];
    }
}
