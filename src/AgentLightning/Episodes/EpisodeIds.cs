using System.Security.Cryptography;
using System.Text;
using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Episodes;

/// <summary>
/// Ids of episodes are their agent's own. Of two agents that give one id, the first episode lies under it and that of the other under the
/// id with a mark of the agent. Who may see one agent gives and gets ids without the mark, and so cannot tell whether another agent has an
/// episode of that id; who may see several gets the ids as they lie in the store, to tell them apart.
/// </summary>
public static class EpisodeIds
{
    private const char Mark = '~';
    private const int Digits = 12;

    /// <summary>The id as this scope knows it.</summary>
    public static string Shown(Scope scope, string id, string agentId) => scope.Agents is [_] ? WithoutMark(id, agentId) : id;

    /// <summary>
    /// The id of a reward or of feedback as this scope knows it. They are their agent's own in the same way; nobody asks for one by its id,
    /// and so who may not see all agents gets it without the mark.
    /// </summary>
    public static string Given(Scope scope, string id, string agentId) => scope.Agents is null ? id : WithoutMark(id, agentId);

    /// <summary>The id without the mark of this agent.</summary>
    internal static string WithoutMark(string id, string agentId) =>
        IsMarked(id) && id.AsSpan(id.Length - Digits).SequenceEqual(DigitsOf(agentId)) ? id[..^(Digits + 1)] : id;

    /// <summary>Where the episode of an agent lies when another agent's has its id.</summary>
    internal static string Marked(string id, string agentId) => $"{id}{Mark}{DigitsOf(agentId)}";

    /// <summary>Where an episode may lie that who may see these agents names by an id; the likeliest first.</summary>
    internal static IReadOnlyList<string> Places(string id, IReadOnlyList<string>? agents) =>
        agents is null ? [id] : [id, .. agents.Select(agent => Marked(id, agent))];

    /// <summary>Checks the id of a record that a client wants to make.</summary>
    internal static string CheckGiven(string? id, string agentId, string name = "id")
    {
        Ids.CheckAddressable(id, name);
        return !IsMarked(id!) || WithoutMark(id!, agentId).Length < id!.Length
            ? id!
            : throw LightningException.Invalid(
                $"{name} must not end with '{Mark}' and {Digits} hexadecimal digits, which is the mark of an agent, but it is '{id}'."
            );
    }

    private static bool IsMarked(string id) =>
        id.Length > Digits + 1 && id[^(Digits + 1)] == Mark && id[^Digits..].All(char.IsAsciiHexDigitLower);

    private static string DigitsOf(string agentId) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(agentId)).AsSpan(0, Digits / 2));
}
