using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client;

/// <summary>Tells which episode an answer belongs to, so that it can be rewarded.</summary>
public static class ChatResponses
{
    internal const string EpisodeIdKey = "lightning.episode_id";

    /// <summary>The id of the episode that the call was captured as; null when it was not.</summary>
    public static string? GetEpisodeId(this ChatResponse response) => Of(response.AdditionalProperties);

    /// <summary>The same of a streamed answer; only the first update has it.</summary>
    public static string? GetEpisodeId(this ChatResponseUpdate update) => Of(update.AdditionalProperties);

    /// <summary>The same of a run of an agent.</summary>
    public static string? GetEpisodeId(this AgentResponse response) => Of(response.AdditionalProperties);

    /// <summary>The same of a streamed run; only the first update has it.</summary>
    public static string? GetEpisodeId(this AgentResponseUpdate update) => Of(update.AdditionalProperties);

    private static string? Of(AdditionalPropertiesDictionary? properties) =>
        properties?.TryGetValue(EpisodeIdKey, out var id) == true ? id as string : null;
}
