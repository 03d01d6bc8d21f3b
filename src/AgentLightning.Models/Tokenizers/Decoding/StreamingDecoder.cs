namespace AgentLightning.Models.Tokenizers.Decoding;

/// <summary>
/// Turns tokens into text as they come. What it gives adds up to what <see cref="Tokenizer.Decode"/> gives for all of them, and never ends
/// within a character.
/// </summary>
/// <remarks>One per text; not for several threads at once.</remarks>
public sealed class StreamingDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecial;
    private readonly TextSink _sink = new();
    private readonly DecoderStep _first;

    internal StreamingDecoder(Tokenizer tokenizer, Decoders decoders, bool skipSpecial)
    {
        (_tokenizer, _skipSpecial) = (tokenizer, skipSpecial);
        _first = decoders.Start(_sink);
    }

    /// <summary>Takes a token and gives the text that is now certain; often empty, as when a character needs more tokens.</summary>
    public string Push(int id)
    {
        Add(id);
        return Take();
    }

    /// <summary>Ends the text and gives what was waiting. Half a character becomes U+FFFD.</summary>
    public string Finish()
    {
        _first.Finish();
        return Take();
    }

    internal void Add(int id)
    {
        var added = _tokenizer.AddedTokenOf(id);
        if (_tokenizer.TokenOf(id) is { } token && !(_skipSpecial && added is { Special: true }))
        {
            _first.Push(token, added is not null);
        }
    }

    private string Take()
    {
        var text = _sink.Text.ToString();
        _sink.Text.Clear();
        return text;
    }
}
