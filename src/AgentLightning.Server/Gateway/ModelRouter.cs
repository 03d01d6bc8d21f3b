using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Triage;
using Microsoft.Extensions.AI;

namespace AgentLightning.Server.Gateway;

/// <summary>Who answers a call: servers, or a model or a policy in this process.</summary>
/// <param name="AgentId">Whose episode it becomes.</param>
/// <param name="Asked">Whether the agent was asked, and not a model by its name.</param>
internal sealed record Destination(string AgentId, bool Asked, ServedRelease Served, UpstreamModel[] Servers, LocalAnswers? Local);

/// <summary>Finds who answers for a name of a model: an agent's release or base model, or the upstreams that serve it.</summary>
internal sealed class ModelRouter(
    UpstreamTable upstreams,
    GatewayOptions options,
    IReleaseSelection selection,
    ReleaseModels models,
    LightningServerOptions server
)
{
    /// <summary>
    /// An agent that the scope is not for is <see cref="ErrorKind.Forbidden"/>; a model or agent that nobody knows is 404 with near names.
    /// </summary>
    /// <param name="agentNamed">Of a header or an address: whose episodes calls of a model by its name are.</param>
    public async ValueTask<Destination> FindAsync(
        Scope scope,
        string model,
        string? agentNamed,
        string? sessionId,
        CancellationToken cancellationToken
    )
    {
        if (!model.StartsWith(ModelNames.AgentPrefix, StringComparison.Ordinal))
        {
            var agent = scope.Agent(agentNamed, server.Lightning.Traces.DefaultAgent);
            return new Destination(agent, false, ServedRelease.Base, Serving(scope, model), null);
        }

        var agentId = scope.Agent(Ids.Check(model[ModelNames.AgentPrefix.Length..], "The agent in model"), "");
        var served = await selection.SelectAsync(agentId, sessionId, cancellationToken);
        return served.Release is { } release
            ? await OfReleaseAsync(scope, agentId, served, release, cancellationToken)
            : OfBase(scope, agentId, served);
    }

    private async ValueTask<Destination> OfReleaseAsync(
        Scope scope,
        string agentId,
        ServedRelease served,
        Deployment release,
        CancellationToken cancellationToken
    )
    {
        if (release.Artifact is null && !TriagePolicies.IsBuiltIn(release.TunedModelName))
        {
            return new Destination(agentId, true, served, Serving(scope, release.TunedModelName), null);
        }

        return new Destination(agentId, true, served, [], await models.OpenAsync(release, cancellationToken));
    }

    private Destination OfBase(Scope scope, string agentId, ServedRelease served)
    {
        if (options.Agents.TryGetValue(agentId, out var agent))
        {
            return agent.LocalFolder is { } folder
                ? new Destination(agentId, true, served, [], models.OfFolder(folder))
                : new Destination(agentId, true, served, Serving(scope, agent.BaseModel), null);
        }

        if (TriagePolicies.BaseModelOf(agentId) is { } policy)
        {
            return new Destination(agentId, true, served, [], ReleaseModels.OfBuiltIn(policy));
        }

        throw new GatewayException(
            404,
            "model_not_found",
            $"The agent '{agentId}' has no release, and no base model: set gateway.agents.{agentId}.base_model, or promote a run."
                + NearNames.Hint(agentId, options.Agents.Keys.Where(scope.Allows)),
            "model"
        );
    }

    private UpstreamModel[] Serving(Scope scope, string model) =>
        upstreams.Names.Serving(model) is { Length: > 0 } servers
            ? servers
            : throw new GatewayException(
                404,
                "model_not_found",
                $"No upstream serves the model '{(model.Length > 100 ? model[..100] + "…" : model)}'."
                    + (
                        upstreams.All.Count == 0
                            ? " The gateway has no upstream: set gateway.upstreams.NAME.url."
                            : upstreams.Names.Hint(model, options.Agents.Keys.Where(scope.Allows)) + " GET /v1/models lists what there is."
                    ),
                "model"
            );
}
