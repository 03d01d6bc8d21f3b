using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Deployments;
using AgentLightning.Server.Deployments;

namespace AgentLightning.Cli.Records.Deployments;

internal sealed class StoreReleaseRecords(Workspace workspace, Scope scope) : IReleaseRecords
{
    public async Task<DeploymentItem> PromoteAsync(PromoteBody run, CancellationToken cancellationToken) =>
        DeploymentItem.Of(
            run.ToBaseRequest() is { } model
                ? await workspace.Get<PromoteBase>().ExecuteAsync(scope, model, cancellationToken)
                : await workspace.Get<Promote>().ExecuteAsync(scope, run.ToRequest(), cancellationToken)
        );

    public async Task<DeploymentItem> RollbackAsync(RollbackBody release, CancellationToken cancellationToken) =>
        DeploymentItem.Of(await workspace.Get<Rollback>().ExecuteAsync(scope, release.ToRequest(), cancellationToken));

    public async Task<DeactivateResponse> DeactivateAsync(DeactivateBody release, CancellationToken cancellationToken) =>
        DeactivateResponse.Of(await workspace.Get<Deactivate>().ExecuteAsync(scope, release.ToRequest(), cancellationToken));

    public async Task<DeploymentListResponse> ListAsync(string agentId, string? slot, int limit, CancellationToken cancellationToken)
    {
        var list = await workspace.Get<ListDeployments>().ExecuteAsync(scope, agentId, slot, limit, null, cancellationToken);
        return new DeploymentListResponse(list.AgentId, list.Releases.Count, [.. list.Releases.Select(DeploymentItem.Of)]);
    }

    public async Task<LineageResponse> LineageAsync(string agentId, CancellationToken cancellationToken)
    {
        var (agent, entries) = await workspace.Get<GetLineage>().ExecuteAsync(scope, agentId, cancellationToken);
        return new LineageResponse(agent, entries);
    }
}
