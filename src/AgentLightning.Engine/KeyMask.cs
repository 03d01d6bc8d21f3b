namespace AgentLightning.Engine;

/// <summary>Shows which key is set without showing the key.</summary>
public static class KeyMask
{
    private const int Shown = 4;

    /// <summary><c>first4...last4</c>; <c>***</c> of one so short that this would show nearly all of it; null of none.</summary>
    public static string? Of(string? key) =>
        string.IsNullOrEmpty(key) ? null
        : key.Length >= 3 * Shown ? $"{key[..Shown]}...{key[^Shown..]}"
        : "***";
}
