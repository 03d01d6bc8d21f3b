using AgentLightning.Common;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Backends;

/// <summary>Reads how much a model is to think, and tells its thoughts from its answer.</summary>
internal static class Reasoning
{
    private static readonly string[] s_tags = ["think", "thinking", "reasoning", "chain_of_thought"];

    public static ReasoningEffort? EffortOf(string? word) =>
        word switch
        {
            null => null,
            "none" => ReasoningEffort.None,
            "minimal" or "low" => ReasoningEffort.Low,
            "medium" => ReasoningEffort.Medium,
            "high" => ReasoningEffort.High,
            _ => throw LightningException.Invalid(
                $"The reasoning effort must be none, minimal, low, medium or high, but it is '{OneLine.Of(word)}'."
            ),
        };

    /// <summary>
    /// Takes <c>&lt;think&gt;…&lt;/think&gt;</c> and its relatives out of a text. One that is not closed lasts to the end.
    /// </summary>
    public static (string Thinking, string Response) Split(string text)
    {
        var thoughts = new List<string>();
        for (var from = 0; ; )
        {
            var (start, tag) = s_tags
                .Select(tag => (Start: text.IndexOf($"<{tag}>", from, StringComparison.OrdinalIgnoreCase), Tag: tag))
                .Where(found => found.Start >= 0)
                .DefaultIfEmpty((-1, ""))
                .Min();
            if (start < 0)
            {
                return (string.Join("\n", thoughts), text.Trim());
            }

            var inside = start + tag.Length + 2;
            var end = text.IndexOf($"</{tag}>", inside, StringComparison.OrdinalIgnoreCase);
            thoughts.Add(text[inside..(end < 0 ? text.Length : end)].Trim());
            text = text.Remove(start, (end < 0 ? text.Length : end + tag.Length + 3) - start);
            from = start;
        }
    }
}
