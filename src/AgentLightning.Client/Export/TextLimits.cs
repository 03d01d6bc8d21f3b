using AgentLightning.Episodes;

namespace AgentLightning.Client.Export;

/// <summary>How long texts may be.</summary>
internal static class TextLimits
{
    private const string Truncated = "...[TRUNCATED]";

    /// <summary>Characters of any text; a server refuses what is several times longer.</summary>
    private const int LongestText = 1_000_000;

    /// <summary>The episode with texts that can be redacted and sent at all.</summary>
    public static Episode Bound(Episode episode) =>
        episode with
        {
            UserInput = Cut(episode.UserInput, LongestText)!,
            AssistantOutput = Cut(episode.AssistantOutput, LongestText)!,
            Error = Cut(episode.Error, LongestText),
            ToolCalls =
            [
                .. episode.ToolCalls.Select(call =>
                    call with
                    {
                        Arguments = Cut(call.Arguments, LongestText),
                        Result = Cut(call.Result, LongestText),
                        Error = Cut(call.Error, LongestText),
                    }
                ),
            ],
            Messages = [.. episode.Messages.Select(message => message with { Content = Cut(message.Content, LongestText) })],
        };

    /// <summary>The episode with results of tools as long as asked. After redaction: half a secret is not found.</summary>
    public static Episode Cut(Episode episode, int limit) =>
        episode with
        {
            ToolCalls = [.. episode.ToolCalls.Select(call => call with { Result = Cut(call.Result, limit) })],
            Messages =
            [
                .. episode.Messages.Select(message =>
                    message.Role == "tool" ? message with { Content = Cut(message.Content, limit) } : message
                ),
            ],
        };

    private static string? Cut(string? text, int limit)
    {
        if (text is null || text.Length <= limit)
        {
            return text;
        }

        // Half of a surrogate pair is no character.
        return text[..(char.IsHighSurrogate(text[limit - 1]) ? limit - 1 : limit)] + Truncated;
    }
}
