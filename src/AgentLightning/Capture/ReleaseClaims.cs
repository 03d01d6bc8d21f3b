using System.Collections.Concurrent;
using AgentLightning.Deployments;
using AgentLightning.Episodes;

namespace AgentLightning.Capture;

/// <summary>
/// Looks into what senders say of the releases that answered: figures, guards and experiments are made of it. One that is no release of the
/// episode's agent in this store, as in what was exported from another, is only kept in the metadata, as
/// <see cref="MetadataKey"/>. Releases never change hands, so each is asked for once.
/// </summary>
public sealed class ReleaseClaims(IDeploymentStore deployments)
{
    /// <summary>Where a release that is not known stands.</summary>
    public const string MetadataKey = "claimed_deployment_id";

    private const int Most = 10_000;
    private readonly ConcurrentDictionary<string, string> _agents = new(StringComparer.Ordinal);

    /// <summary>The episode with a release of its agent, or without one.</summary>
    public async Task<Episode> SettleAsync(Episode episode, CancellationToken cancellationToken)
    {
        if (episode.DeploymentId is not { } id)
        {
            return episode;
        }

        if (!_agents.TryGetValue(id, out var agent))
        {
            agent = (await deployments.FindAsync(id, cancellationToken).ConfigureAwait(false))?.AgentId;
            if (agent is not null && _agents.Count < Most)
            {
                _agents.TryAdd(id, agent);
            }
        }

        return agent == episode.AgentId
            ? episode
            : episode with
            {
                DeploymentId = null,
                Metadata = new Dictionary<string, string>(episode.Metadata ?? new Dictionary<string, string>()) { [MetadataKey] = id },
            };
    }
}
