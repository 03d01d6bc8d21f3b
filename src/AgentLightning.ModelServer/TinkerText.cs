namespace AgentLightning.ModelServer;

/// <summary>What clients sent, in messages.</summary>
internal static class TinkerText
{
    public static string Brief(string text) => text.Length > 60 ? string.Concat(text.AsSpan(0, 60), "…") : text;
}
