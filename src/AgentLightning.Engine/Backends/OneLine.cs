namespace AgentLightning.Engine.Backends;

/// <summary>Names from outside, for logs and messages: no line of their own, and no end.</summary>
internal static class OneLine
{
    private const int Longest = 500;

    public static string Of(string text)
    {
        var clean = string.Concat(text.Where(letter => !char.IsControl(letter) && letter is not ('\u2028' or '\u2029')));
        return clean.Length > Longest ? $"{clean[..Longest]}…" : clean;
    }
}
