using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Server.Access;

namespace AgentLightning.Cli.Records.Access;

internal sealed class StoreKeyRecords(Workspace workspace, Scope scope) : IKeyRecords
{
    public async Task<CreatedKeyResponse> CreateAsync(CreateKeyBody key, CancellationToken cancellationToken) =>
        CreatedKeyResponse.Of(await workspace.Get<CreateKey>().ExecuteAsync(scope, key.ToRequest(), cancellationToken));

    public async Task<KeyListResponse> ListAsync(CancellationToken cancellationToken)
    {
        var keys = await workspace.Get<ListKeys>().ExecuteAsync(scope, cancellationToken);
        return new KeyListResponse(keys.Count, keys);
    }

    public Task<ApiKey> RevokeAsync(string id, CancellationToken cancellationToken) =>
        workspace.Get<RevokeKey>().ExecuteAsync(scope, id, cancellationToken);
}
