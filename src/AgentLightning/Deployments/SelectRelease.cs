using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Deployments;

/// <summary>Tells an agent that runs elsewhere which release it is to answer with.</summary>
public sealed class SelectRelease(IReleaseSelection selection, Redactor redactor) : IOperation
{
    /// <summary>
    /// Who answers in a session of the agent now. Asks for the role write, since a session that an experiment decides on is noted as one
    /// that it answered.
    /// </summary>
    /// <param name="agentId">The usual agent of the scope when null.</param>
    /// <param name="sessionId">As it is captured; null takes the active release and is in no experiment.</param>
    /// <param name="slot"><see cref="Deployment.DefaultSlot"/> when null.</param>
    public async Task<ServedRelease> ExecuteAsync(
        Scope scope,
        string? agentId,
        string? sessionId,
        string? slot,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        var agent = scope.Agent(agentId, Scope.DefaultAgent);
        // The same name as the episodes of the session get: who asks the gateway in it is given the same variant.
        var session = redactor.Identifier(Ids.CheckName(sessionId, "session_id"), agent);
        return await selection
            .SelectAsync(agent, session, Ids.CheckName(slot, "slot") ?? Deployment.DefaultSlot, cancellationToken)
            .ConfigureAwait(false);
    }
}
