using AgentLightning.Server.Deployments;

namespace AgentLightning.Cli.Records.Deployments;

internal sealed class ServerReleaseRecords(ServerConnection server) : IReleaseRecords
{
    public async Task<DeploymentItem> PromoteAsync(PromoteBody run, CancellationToken cancellationToken) =>
        await GetAsync(
            (await server.PostAsync<PromoteBody, PromoteResponse>("deployments", run, cancellationToken)).DeploymentId,
            cancellationToken
        );

    public async Task<DeploymentItem> RollbackAsync(RollbackBody release, CancellationToken cancellationToken) =>
        await GetAsync(
            (await server.PostAsync<RollbackBody, RollbackResponse>("deployments/rollback", release, cancellationToken)).DeploymentId,
            cancellationToken
        );

    public Task<DeactivateResponse> DeactivateAsync(DeactivateBody release, CancellationToken cancellationToken) =>
        server.PostAsync<DeactivateBody, DeactivateResponse>("deployments/deactivate", release, cancellationToken);

    public Task<DeploymentListResponse> ListAsync(string agentId, string? slot, int limit, CancellationToken cancellationToken) =>
        server.GetAsync<DeploymentListResponse>(
            $"deployments?{ServerQuery.Of(("agent_id", agentId), ("slot", slot))}&limit={limit}",
            cancellationToken
        );

    public Task<LineageResponse> LineageAsync(string agentId, CancellationToken cancellationToken) =>
        server.GetAsync<LineageResponse>($"deployments/lineage?{ServerQuery.Of(("agent_id", agentId))}", cancellationToken);

    private Task<DeploymentItem> GetAsync(string id, CancellationToken cancellationToken) =>
        server.GetAsync<DeploymentItem>($"deployments/{Uri.EscapeDataString(id)}", cancellationToken);
}
