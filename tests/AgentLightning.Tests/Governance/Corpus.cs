using System.Text.Json;
using System.Text.RegularExpressions;
using AgentLightning.Testing;

namespace AgentLightning.Tests.Governance;

/// <summary>The hand-written lines of <c>redaction-corpus.jsonl</c>; every key, number and person in them is made up.</summary>
public static partial class Corpus
{
    public static IReadOnlyList<Line> Lines { get; } =
    [
        .. File.ReadLines(Path.Combine(Repository.Root, "tests", "AgentLightning.Tests", "Governance", "redaction-corpus.jsonl"))
            .Select(line => JsonSerializer.Deserialize<Line>(line, JsonSerializerOptions.Web)!),
    ];

    /// <summary>Which parts of a text its placeholders stand for; what lies between two placeholders is looked for in the text.</summary>
    public static IReadOnlyList<Span> SpansOf(string text, string redacted)
    {
        var spans = new List<Span>();
        var (at, copied) = (0, 0);
        foreach (var placeholder in Placeholders().EnumerateMatches(redacted))
        {
            at += placeholder.Index - copied;
            copied = placeholder.Index + placeholder.Length;
            var next = Placeholders().Match(redacted, copied);
            var between = redacted[copied..(next.Success ? next.Index : redacted.Length)];
            var end = next.Success ? text.IndexOf(between, at + 1, StringComparison.Ordinal) : text.Length - between.Length;
            spans.Add(new Span(at, end, redacted.Substring(placeholder.Index, placeholder.Length)));
            at = end;
        }

        return spans;
    }

    [GeneratedRegex(@"\[[A-Z]+\]")]
    private static partial Regex Placeholders();

    public sealed record Line(string Text, string Expected);

    public sealed record Span(int Start, int End, string Placeholder);
}
