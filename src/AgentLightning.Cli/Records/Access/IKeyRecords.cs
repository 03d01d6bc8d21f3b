using AgentLightning.Access;
using AgentLightning.Server.Access;

namespace AgentLightning.Cli.Records.Access;

/// <summary>Who may call a server.</summary>
internal interface IKeyRecords
{
    Task<CreatedKeyResponse> CreateAsync(CreateKeyBody key, CancellationToken cancellationToken);

    Task<KeyListResponse> ListAsync(CancellationToken cancellationToken);

    Task<ApiKey> RevokeAsync(string id, CancellationToken cancellationToken);
}
