using System.Text;
using AgentLightning.Models.Tokenizers.Normalization;

namespace AgentLightning.Models.Tokenizers.Decoding;

/// <summary>Makes decoders from tokenizer.json. What is made is a recipe; every decoding starts its own steps.</summary>
internal sealed class Decoders
{
    private const string Known = "ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, Sequence";
    private readonly List<Func<DecoderStep>> _steps = [];
    private bool _fused,
        _byteLevel,
        _byteFallback;

    public static Decoders Create(ComponentJson? json)
    {
        var decoders = new Decoders();
        if (json is null)
        {
            decoders._steps.Add(() => new JoinStep());
        }
        else
        {
            decoders.Add(json);
        }

        return decoders;
    }

    public static Decoders ByteLevel()
    {
        var decoders = new Decoders();
        decoders._steps.Add(() => new ByteLevelStep());
        decoders._byteLevel = true;
        return decoders;
    }

    /// <summary>A chain of fresh steps that ends in a text.</summary>
    public DecoderStep Start(TextSink sink)
    {
        DecoderStep next = sink;
        for (var i = _steps.Count - 1; i >= 0; i--)
        {
            var step = _steps[i]();
            step.Next = next;
            next = step;
        }

        return next;
    }

    /// <summary>What a token adds to a text that has begun.</summary>
    public byte[] BytesOf(string token)
    {
        if (_byteLevel)
        {
            return Bpe.ByteAlphabet.Read(token);
        }

        if (_byteFallback && ByteFallbackStep.TryRead(token, out var value))
        {
            return [value];
        }

        const string Begun = "x";
        var sink = new TextSink();
        var first = Start(sink);
        first.Push(Begun, added: false);
        first.Push(token, added: false);
        first.Finish();
        return Encoding.UTF8.GetBytes(sink.Text.ToString()[Begun.Length..]);
    }

    private void Add(ComponentJson json)
    {
        switch (json.Type)
        {
            case "Sequence":
                foreach (var inner in json.Components("decoders"))
                {
                    Add(inner);
                }

                break;
            case "ByteLevel":
                json.Bool("add_prefix_space", true);
                json.Bool("trim_offsets", true);
                json.Bool("use_regex", true);
                NotFused(json);
                _steps.Add(() => new ByteLevelStep());
                (_fused, _byteLevel) = (true, true);
                break;
            case "ByteFallback":
                NotFused(json);
                _steps.Add(() => new ByteFallbackStep());
                _byteFallback = true;
                break;
            case "Fuse":
                _fused = true;
                break;
            case "Replace":
                NotFused(json);
                var replacement = Normalizers.Replacement(json);
                _steps.Add(() => new MapStep(replacement));
                break;
            case "Strip":
                AddStrip(json);
                break;
            case "Metaspace":
                AddMetaspace(json);
                break;
            default:
                throw json.Unknown(Known);
        }

        json.Done();
    }

    private void AddStrip(ComponentJson json)
    {
        var content = json.String("content");
        int start = json.Int("start"),
            stop = json.Int("stop");
        if (content.Length != 1)
        {
            throw json.Refuse("content", content, "one character");
        }

        if (_fused)
        {
            _steps.Add(() => new StripTextStep(content[0], start, stop));
        }
        else
        {
            _steps.Add(() => new MapStep(token => StripTextStep.Strip(token, content[0], start, stop)));
        }
    }

    private void AddMetaspace(ComponentJson json)
    {
        NotFused(json);
        var replacement = json.OptionalString("replacement") ?? "\u2581";
        var scheme = json.OptionalString("prepend_scheme") ?? (json.Bool("add_prefix_space", true) ? "always" : "never");
        json.Bool("add_prefix_space", true);
        json.Bool("split", true);
        json.OptionalString("str_rep");
        if (replacement.Length != 1)
        {
            throw json.Refuse("replacement", replacement, "one character");
        }

        _steps.Add(() => new MetaspaceStep(replacement[0], scheme != "never"));
    }

    /// <summary>Once tokens are one text, a step that looks at single tokens would have to wait for the end of the text.</summary>
    private void NotFused(ComponentJson json)
    {
        if (_fused)
        {
            throw new UnsupportedTokenizerException(
                json.Path,
                $"{json.Path} ({json.Type}) comes after the tokens were joined (Fuse or ByteLevel), which is only implemented for Strip."
            );
        }
    }
}
