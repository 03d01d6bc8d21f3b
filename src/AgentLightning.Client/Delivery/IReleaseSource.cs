namespace AgentLightning.Client.Delivery;

/// <summary>Says which release serves: a server, or a store in this process.</summary>
internal interface IReleaseSource
{
    Task<SelectedRelease> SelectAsync(string agentId, string? sessionId, CancellationToken cancellationToken);
}
