using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Server.Access;

/// <summary>
/// The agents that a request is about: those of its key, or all. Every endpoint that gives or takes records of agents asks it, by taking it
/// as a parameter.
/// </summary>
/// <remarks>
/// A request that names another agent is refused, which tells nothing: it depends on the key alone. A request that names a record of
/// another agent is answered as if there were no such record.
/// </remarks>
internal sealed class AgentScope(Caller caller)
{
    /// <summary>The agents; null for all. Give it to a query that lists without naming an agent, and to one with a cursor.</summary>
    public IReadOnlyList<string>? Agents => caller.Key?.Agents;

    /// <summary>Who acts, for records that say who did something.</summary>
    public string Actor => caller.Key is null ? "api" : caller.Actor;

    /// <summary>Whether the request may see and touch what belongs to this agent.</summary>
    public bool Allows(string agentId) => caller.Key is null || caller.Key.IsFor(agentId);

    /// <summary>
    /// The agent that a request is about: the one it names, or else <paramref name="otherwise"/>, or the only one of the key.
    /// One that the key is not for is <see cref="ErrorKind.Forbidden"/>; one that cannot be told is <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public string Agent(string? named, string otherwise)
    {
        if (named is not null)
        {
            return Check(named);
        }

        return Allows(otherwise) ? otherwise
            : Agents is [var only] ? only
            : throw LightningException.Invalid(
                $"agent_id is required: this key is for the agents {string.Join(", ", Agents!)}, and the request does not say which is "
                    + $"meant."
            );
    }

    /// <summary>The agent that a request may name and need not; null when it names none.</summary>
    public string? Named(string? named) => named is null ? null : Check(named);

    /// <summary>The agent that figures are asked for, or null for those of all agents; a key for several agents must name one.</summary>
    public string? AgentOrAll(string? named) => named is null && Agents is null ? null : Agent(named, Agents is [var only] ? only : "");

    /// <summary>The record, or null when it is of an agent that the request may not know of.</summary>
    public T? Visible<T>(T? record, Func<T, string> agentOf)
        where T : class => record is null || Allows(agentOf(record)) ? record : null;

    /// <summary>The episode, or <see cref="ErrorKind.NotFound"/>, which is also said of an episode of another agent.</summary>
    public async Task<Episode> EpisodeAsync(IEpisodeStore episodes, string id, CancellationToken cancellationToken) =>
        Visible(await episodes.FindAsync(id, cancellationToken), episode => episode.AgentId)
        ?? throw LightningException.NotFound($"Episode {id} not found");

    /// <summary>
    /// True when an id is an episode that the request may touch, or is no episode at all, also counting what is on its way to the store;
    /// false when it is another agent's. For requests that hand the id on to a service, which then finds it or not.
    /// </summary>
    public async Task<bool> MayTouchAsync(
        string episodeId,
        IEpisodeStore episodes,
        EpisodeRecorder recorder,
        CancellationToken cancellationToken
    )
    {
        if (Agents is null)
        {
            return true;
        }

        var episode = await episodes.FindAsync(episodeId, cancellationToken);
        if (episode is null)
        {
            await recorder.FlushAsync(cancellationToken);
            episode = await episodes.FindAsync(episodeId, cancellationToken);
        }

        return episode is null || Allows(episode.AgentId);
    }

    private string Check(string agentId) =>
        Allows(agentId)
            ? agentId
            : throw LightningException.Forbidden(
                $"This key is not for the agent '{(agentId.Length > 100 ? agentId[..100] + "…" : agentId)}'. It is for "
                    + $"{string.Join(", ", Agents!)}."
            );
}
