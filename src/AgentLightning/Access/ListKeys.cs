namespace AgentLightning.Access;

/// <summary>Lists the keys, without their text, which nobody keeps.</summary>
public sealed class ListKeys(IApiKeyStore keys) : IOperation
{
    /// <summary>All keys, newest first, revoked ones too. Asks for the role admin for all agents.</summary>
    public Task<IReadOnlyList<ApiKey>> ExecuteAsync(Scope scope, CancellationToken cancellationToken)
    {
        scope.RequireAllAgents(Role.Admin);
        return keys.ListAsync(cancellationToken);
    }
}
