using AgentLightning.Common;

namespace AgentLightning.Access;

/// <summary>
/// Who asks, with which role, and for which agents. Every operation takes one first and authorises by it the records that it really uses.
/// </summary>
/// <remarks>
/// An operation that names another agent is refused, which tells nothing: it depends on the scope alone. One that names a record of
/// another agent is answered as if there were no such record.
/// </remarks>
/// <param name="actor">Who acts, for records that say who did something: <c>key 0198…</c>, <c>api</c>, <c>cli</c>.</param>
/// <param name="role">What may be done.</param>
/// <param name="agents">The agents; null for all. Give it to a query that lists without naming an agent, and to one with a cursor.</param>
public sealed class Scope(string actor, Role role, IReadOnlyList<string>? agents)
{
    /// <summary>The agent that is meant where a request names none and the scope is for it.</summary>
    public const string DefaultAgent = "triage";

    /// <summary>Who acts.</summary>
    public string Actor { get; } = actor;

    /// <summary>What may be done.</summary>
    public Role Role { get; } = role;

    /// <summary>The agents; null for all.</summary>
    public IReadOnlyList<string>? Agents { get; } = agents;

    /// <summary>Everything, for the process itself: work in the background, and a command on a store that its user owns.</summary>
    public static Scope Owner(string actor) => new(actor, Role.Admin, null);

    /// <summary>What a key allows.</summary>
    public static Scope Of(ApiKey key) => new($"key {key.Id}", key.Role, key.Agents);

    /// <summary>Refuses with <see cref="ErrorKind.Forbidden"/> who has less than this role.</summary>
    public void Require(Role least)
    {
        if (Role < least)
        {
            throw LightningException.Forbidden(
                $"This needs a key with the role {EnumText.Of(least)}, and the key's role is {EnumText.Of(Role)}."
            );
        }
    }

    /// <summary>Refuses with <see cref="ErrorKind.Forbidden"/> who may not do this for all agents at once.</summary>
    public void RequireAllAgents(Role least)
    {
        Require(least);
        if (Agents is not null)
        {
            throw LightningException.Forbidden(
                $"This is about all agents, and needs a key with the role {EnumText.Of(least)} that is for all of them; the key is for "
                    + $"{string.Join(", ", Agents)}."
            );
        }
    }

    /// <summary>Whether what belongs to this agent may be seen and touched.</summary>
    public bool Allows(string agentId) => Agents is null || Agents.Contains(agentId, StringComparer.Ordinal);

    /// <summary>
    /// The agent that is meant: the one named, or else <paramref name="otherwise"/>, or the only one of the scope. One that the scope is
    /// not for is <see cref="ErrorKind.Forbidden"/>; one that cannot be told is <see cref="ErrorKind.Invalid"/>.
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

    /// <summary>The agent that may be named and need not; null when none is.</summary>
    public string? Named(string? named) => named is null ? null : Check(named);

    /// <summary>The agent that figures are asked for, or null for those of all; a scope of several agents must name one.</summary>
    public string? AgentOrAll(string? named) => named is null && Agents is null ? null : Agent(named, Agents is [var only] ? only : "");

    /// <summary>The record, or null when it is of an agent that may not be known of.</summary>
    public T? Visible<T>(T? record, Func<T, string> agentOf)
        where T : class => record is null || Allows(agentOf(record)) ? record : null;

    private string Check(string agentId) =>
        Allows(agentId)
            ? agentId
            : throw LightningException.Forbidden(
                $"This key is not for the agent '{(agentId.Length > 100 ? agentId[..100] + "…" : agentId)}'. It is for "
                    + $"{string.Join(", ", Agents!)}."
            );
}
