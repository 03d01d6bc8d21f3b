using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Server.Access;

namespace AgentLightning.Cli.Records.Access;

internal sealed class ServerKeyRecords(ServerConnection server) : IKeyRecords
{
    public Task<CreatedKeyResponse> CreateAsync(CreateKeyBody key, CancellationToken cancellationToken)
    {
        // What cannot be is said before it is sent: JSON knows no infinity.
        key.ToRequest();
        return server.PostAsync<CreateKeyBody, CreatedKeyResponse>("keys", key, cancellationToken);
    }

    public Task<KeyListResponse> ListAsync(CancellationToken cancellationToken) =>
        server.GetAsync<KeyListResponse>("keys", cancellationToken);

    public Task<ApiKey> RevokeAsync(string id, CancellationToken cancellationToken) =>
        server.DeleteAsync<ApiKey>($"keys/{Uri.EscapeDataString(Ids.Check(id, "id"))}", cancellationToken);
}
