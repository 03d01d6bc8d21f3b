using System.Collections.Concurrent;
using System.Text.Json;

namespace AgentLightning.Common;

/// <summary>Enums as the snake_case words that are stored and sent.</summary>
public static class EnumText
{
    private static readonly ConcurrentDictionary<Enum, string> s_words = new();

    /// <summary><c>HumanApproval</c> → <c>human_approval</c>.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => s_words.GetOrAdd(value, v => JsonNamingPolicy.SnakeCaseLower.ConvertName(v.ToString()));

    /// <summary><c>human_approval</c> → <c>HumanApproval</c>; an unknown word is an error that lists the known ones.</summary>
    public static T Parse<T>(string? word, string name)
        where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
        {
            if (string.Equals(Of(value), word, StringComparison.Ordinal))
            {
                return value;
            }
        }

        throw LightningException.Invalid($"{name} must be one of {string.Join(", ", Enum.GetValues<T>().Select(Of))}, but it is '{word}'.");
    }
}
