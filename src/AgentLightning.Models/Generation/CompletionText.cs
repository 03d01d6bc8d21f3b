using AgentLightning.Models.Tokenizers.Decoding;

namespace AgentLightning.Models.Generation;

/// <summary>The text of tokens as they come, up to a stop string. What could become one is held back until it is certain.</summary>
internal sealed class CompletionText(StreamingDecoder decoder, IReadOnlyList<string> stop)
{
    private string _held = "";

    /// <summary>
    /// Gives what is certain after one more token, and whether a stop string is complete: then it is all, and nothing more may be pushed.
    /// </summary>
    public (string Text, bool Stopped) Push(int id) => Take(decoder.Push(id));

    /// <summary>Ends the text and gives what was held back.</summary>
    public string Finish()
    {
        var (text, stopped) = Take(decoder.Finish());
        return stopped ? text : text + _held;
    }

    private (string Text, bool Stopped) Take(string fresh)
    {
        if (stop.Count == 0 || fresh.Length == 0)
        {
            return (fresh, false);
        }

        var text = _held + fresh;
        var at = stop.Select(end => text.IndexOf(end, StringComparison.Ordinal)).Where(index => index >= 0).DefaultIfEmpty(-1).Min();
        if (at >= 0)
        {
            return (text[..at], true);
        }

        var held = stop.Max(end => Overlap(text, end));
        _held = text[^held..];
        return (text[..^held], false);
    }

    /// <summary>Length of the longest end of the text that begins a stop string.</summary>
    private static int Overlap(string text, string end)
    {
        var length = Math.Min(text.Length, end.Length - 1);
        while (length > 0 && !text.AsSpan(text.Length - length).SequenceEqual(end.AsSpan(0, length)))
        {
            length--;
        }

        return length;
    }
}
