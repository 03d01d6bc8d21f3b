using System.Text.RegularExpressions;

namespace AgentLightning.Governance;

/// <summary>What was found; the name in capitals is the placeholder's.</summary>
internal enum FindingKind
{
    /// <summary>A value behind a telling name: <c>password=…</c>.</summary>
    Redacted,

    /// <summary>A key that is known by its shape.</summary>
    Secret,
    Email,
    Phone,
    Ip,
    Card,
    Iban,
    Ssn,
    Ird,
}

/// <summary>A part of a text that must not be stored: from Start up to End.</summary>
internal readonly record struct Finding(int Start, int End, FindingKind Kind);

/// <summary>A value that was found in one text of a record, to be looked for in its others.</summary>
internal readonly record struct KnownValue(string Value, FindingKind Kind);

/// <summary>What stands where something was taken out. Placeholders are never looked into, so redacting twice is redacting once.</summary>
internal static partial class Placeholder
{
    private static readonly string[] s_plain = [.. Enum.GetValues<FindingKind>().Select(kind => $"[{kind.ToString().ToUpperInvariant()}]")];

    public static string Of(FindingKind kind, ReadOnlySpan<char> value, Pseudonyms? pseudonyms) =>
        pseudonyms is null ? s_plain[(int)kind] : $"{s_plain[(int)kind].AsSpan(..^1)}:{pseudonyms.Of(kind, value)}]";

    public static bool Is(ReadOnlySpan<char> text) =>
        text is ['[', .., ']'] && Any().EnumerateMatches(text) is var found && found.MoveNext() && found.Current.Length == text.Length;

    [GeneratedRegex(@"\[(?:REDACTED|SECRET|EMAIL|PHONE|IP|CARD|IBAN|SSN|IRD)(?::[0-9a-f]{8})?\]")]
    public static partial Regex Any();
}
