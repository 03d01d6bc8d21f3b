using AgentLightning.Rewards;

namespace AgentLightning.Deployments;

/// <summary>How a release did, over all episodes that it served.</summary>
/// <param name="Failed">Episodes that did not succeed.</param>
/// <param name="MeanLatencyMs">Milliseconds from the call to the answer; 0 without an episode.</param>
/// <param name="PromptTokens">What it cost, in tokens read, of the episodes that tell.</param>
/// <param name="CompletionTokens">The same in tokens written.</param>
/// <param name="Rewards">Over the current rewards.</param>
/// <param name="TokenVariance">Of the tokens of an episode, read and written together.</param>
public sealed record ReleaseFigures(
    string DeploymentId,
    long Episodes,
    long Failed,
    double MeanLatencyMs,
    long PromptTokens,
    long CompletionTokens,
    RewardSummary Rewards,
    double TokenVariance = 0
)
{
    /// <summary>The share of episodes that failed, 0…1; 0 without an episode.</summary>
    public double ErrorRate => Episodes == 0 ? 0 : (double)Failed / Episodes;
}

/// <summary>Tells how releases did, from exact totals: what was deleted no longer counts.</summary>
public interface IReleaseFigures
{
    /// <summary>The figures of an agent's releases, in the order of the ids; zeros for one that served nothing.</summary>
    Task<IReadOnlyList<ReleaseFigures>> ReadAsync(string agentId, IReadOnlyList<string> deploymentIds, CancellationToken cancellationToken);

    /// <summary>How long their episodes took, in the order of the ids.</summary>
    Task<IReadOnlyList<LatencyCounts>> ReadLatenciesAsync(
        string agentId,
        IReadOnlyList<string> deploymentIds,
        CancellationToken cancellationToken
    );
}
