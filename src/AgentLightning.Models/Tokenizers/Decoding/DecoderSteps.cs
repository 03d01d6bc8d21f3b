using System.Globalization;
using System.Text;

namespace AgentLightning.Models.Tokenizers.Decoding;

/// <summary>One step from tokens to text. It passes on what can no longer change, and the rest at the end.</summary>
internal abstract class DecoderStep
{
    public DecoderStep? Next { get; set; }

    /// <param name="added">Whether it is an added token, whose text stands for itself.</param>
    public abstract void Push(string text, bool added);

    /// <summary>The end of the tokens.</summary>
    public virtual void Finish() => Next?.Finish();
}

/// <summary>Where the text comes out.</summary>
internal sealed class TextSink : DecoderStep
{
    public StringBuilder Text { get; } = new();

    public override void Push(string text, bool added) => Text.Append(text);
}

/// <summary>Changes each token by itself.</summary>
internal sealed class MapStep(Func<string, string> map) : DecoderStep
{
    public override void Push(string text, bool added) => Next!.Push(map(text), added);
}

/// <summary>Without a decoder, tokens stand with blanks between.</summary>
internal sealed class JoinStep : DecoderStep
{
    private bool _begun;

    public override void Push(string text, bool added)
    {
        Next!.Push(_begun ? " " + text : text, added);
        _begun = true;
    }
}

/// <summary>Turns the sign for a blank back into one; the signs of the first token go when one was put before the text.</summary>
internal sealed class MetaspaceStep(char replacement, bool prepended) : DecoderStep
{
    private bool _begun;

    public override void Push(string text, bool added)
    {
        Next!.Push(
            !_begun && prepended ? text.Replace(replacement.ToString(), "", StringComparison.Ordinal) : text.Replace(replacement, ' '),
            added
        );
        _begun = true;
    }
}

/// <summary>Steps over bytes: whole characters go on, the beginning of one waits, and what is no UTF-8 becomes U+FFFD.</summary>
internal abstract class ByteStep : DecoderStep
{
    private readonly Decoder _utf8 = new UTF8Encoding().GetDecoder();
    private char[] _chars = new char[64];

    public override void Finish()
    {
        EndBytes();
        base.Finish();
    }

    protected void PushBytes(ReadOnlySpan<byte> bytes) => Decode(bytes, flush: false);

    protected void EndBytes() => Decode([], flush: true);

    private void Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        if (_chars.Length < bytes.Length + 8)
        {
            _chars = new char[bytes.Length * 2];
        }

        var count = _utf8.GetChars(bytes, _chars, flush);
        if (count > 0)
        {
            Next!.Push(new string(_chars, 0, count), added: false);
        }
    }
}

/// <summary>Tokens in the alphabet of bytes; added tokens stand for themselves.</summary>
internal sealed class ByteLevelStep : ByteStep
{
    public override void Push(string text, bool added)
    {
        if (added)
        {
            EndBytes();
            Next!.Push(text, added);
        }
        else
        {
            PushBytes(Bpe.ByteAlphabet.Read(text));
        }
    }
}

/// <summary>Tokens like <c>&lt;0xE4&gt;</c> are bytes; runs of them make characters.</summary>
internal sealed class ByteFallbackStep : ByteStep
{
    public static bool TryRead(string token, out byte value)
    {
        value = 0;
        return token.Length == 6
            && token.StartsWith("<0x", StringComparison.Ordinal)
            && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    public override void Push(string text, bool added)
    {
        if (TryRead(text, out var value))
        {
            PushBytes([value]);
        }
        else
        {
            EndBytes();
            Next!.Push(text, added);
        }
    }
}

/// <summary>Cuts a character off the beginning and the end of the whole text, so many times at most.</summary>
internal sealed class StripTextStep(char content, int start, int stop) : DecoderStep
{
    private int _left = start;
    private int _held;

    public static string Strip(string text, char content, int start, int stop)
    {
        int from = 0,
            to = text.Length;
        while (from < start && from < to && text[from] == content)
        {
            from++;
        }

        while (text.Length - to < stop && to > from && text[to - 1] == content)
        {
            to--;
        }

        return text[from..to];
    }

    public override void Push(string text, bool added)
    {
        var from = 0;
        while (_left > 0 && from < text.Length)
        {
            _left = text[from] == content ? _left - 1 : 0;
            from += text[from] == content ? 1 : 0;
        }

        // What could be cut off the end is held back: it may yet turn out not to be the end.
        var all = new string(content, _held) + text[from..];
        var kept = Strip(all, content, 0, stop);
        _held = all.Length - kept.Length;
        if (kept.Length > 0)
        {
            Next!.Push(kept, added);
        }
    }
}
