using AgentLightning.Access;
using Microsoft.AspNetCore.Builder;

namespace AgentLightning.Server.Access;

/// <summary>How an endpoint keeps a key that is for some agents away from the records of others.</summary>
internal enum AgentRule
{
    /// <summary>The handler takes an <see cref="Scope"/> and asks it; a test holds it to that.</summary>
    Scoped,

    /// <summary>The endpoint gives and takes nothing that belongs to an agent.</summary>
    NoRecords,

    /// <summary>The endpoint is about all agents at once: only for keys without a list of agents.</summary>
    AllAgents,
}

/// <summary>Who may call an endpoint.</summary>
/// <param name="Role">The least role; null for anybody, without a key.</param>
internal sealed record AccessRule(Role? Role, AgentRule Agents);

/// <summary>Marks an endpoint as never open to who has no key and is not on this machine.</summary>
internal sealed record ClosedToStrangers;

/// <summary>
/// What each endpoint says about access when it is mapped. One that says nothing is closed to all but admin keys for all agents.
/// </summary>
internal static class AccessRules
{
    /// <summary>
    /// Says which role calls the endpoints, and how they keep agents apart. The innermost word counts: an endpoint may differ from its
    /// group.
    /// </summary>
    public static TBuilder RequiresRole<TBuilder>(this TBuilder builder, Role role, AgentRule agents = AgentRule.Scoped)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRule(role, agents));

    /// <summary>
    /// Lets nobody in without a key where others than this machine reach the server, also where anonymous callers are let in: whoever
    /// made the first key would lock everybody else out.
    /// </summary>
    public static TBuilder ClosedToStrangers<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ClosedToStrangers());

    /// <summary>Lets anybody in; only for endpoints that show no record.</summary>
    public static TBuilder OpenToAll<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessRule(null, AgentRule.NoRecords));
}
