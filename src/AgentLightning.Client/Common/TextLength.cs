namespace AgentLightning.Common;

/// <summary>How long a text is for people: in characters, of which a 🙂 is one.</summary>
public static class TextLength
{
    /// <summary>The number of Unicode code points.</summary>
    public static int Of(string text)
    {
        var length = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i - 1], text[i]))
            {
                length--;
            }
        }

        return length;
    }
}
