namespace AgentLightning.Episodes;

/// <summary>What episodes hold in memory.</summary>
internal static class EpisodeSize
{
    /// <summary>
    /// What an episode holds in memory, about: two bytes for each character of what may be long, and a little for the rest.
    /// </summary>
    public static long Of(Episode episode)
    {
        const int Rest = 1_000;
        var characters = LengthOf(episode.UserInput) + LengthOf(episode.AssistantOutput) + LengthOf(episode.Error);
        // By number: an enumerator would be an allocation on the caller's thread.
        for (var i = 0; i < episode.ToolCalls.Count; i++)
        {
            // One that is not there is refused by who reads it.
            if (episode.ToolCalls[i] is not { } call)
            {
                continue;
            }

            characters += 100 + LengthOf(call.Arguments) + LengthOf(call.Result) + LengthOf(call.Error);
        }

        for (var i = 0; i < episode.Messages.Count; i++)
        {
            if (episode.Messages[i] is not { } message)
            {
                continue;
            }

            characters += 100 + LengthOf(message.Content);
            for (var j = 0; j < (message.ToolCalls?.Count ?? 0); j++)
            {
                characters += 100 + LengthOf(message.ToolCalls![j].Arguments);
            }
        }

        if (episode.Metadata is { Count: > 0 } metadata)
        {
            characters += metadata.Sum(pair => LengthOf(pair.Key) + LengthOf(pair.Value));
        }

        return Rest + (2 * characters);
    }

    private static long LengthOf(string? text) => text?.Length ?? 0;
}
