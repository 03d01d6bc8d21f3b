using AgentLightning.Capture;
using AgentLightning.Cli.Commands;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Rewards;
using AgentLightning.Stats;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Records;

/// <summary>Records straight from a store.</summary>
internal sealed class StoreRecords(Workspace workspace) : IRecords
{
    public async Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken)
    {
        var episodes = await workspace.Get<IEpisodeStore>().ListAsync(query.AsStored(workspace.Get<Redactor>()), cancellationToken);
        return new EpisodeListResponse(query.AgentId, episodes.Count, episodes);
    }

    public async Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken)
    {
        var episode = await workspace.Get<IEpisodeStore>().FindAsync(Ids.Check(id, "id"), cancellationToken) ?? throw LightningException.NotFound($"Episode {id} not found");
        return EpisodeResponse.Of(episode, await workspace.Get<IRewardStore>().HistoryAsync(id, cancellationToken));
    }

    public async Task<EpisodeRemovedResponse> RemoveAsync(EpisodeSelection selection, RemovalScope scope, IProgress<long> progress, CancellationToken cancellationToken) =>
        new(await workspace.Get<EpisodeRemoval>().RemoveAsync(selection, scope, "cli", progress, cancellationToken), scope);

    public IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, CancellationToken cancellationToken) => workspace.Get<EpisodeExport>().ReadAsync(query, cancellationToken);

    public Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken) => workspace.Get<CaptureService>().AddBatchAsync(lines, _ => true, cancellationToken);

    public async Task<RewardResponse> AssignAsync(RewardBody reward, CancellationToken cancellationToken)
    {
        var given = await workspace.Get<RewardService>().AssignAsync(reward.ToRequest(), cancellationToken);
        return RewardResponse.Of(given);
    }

    public Task<AgentStats> StatsAsync(string agentId, CancellationToken cancellationToken) => workspace.Get<StatsReader>().ReadAsync(agentId, RuleTriagePolicy.PolicyName, cancellationToken);

    public ValueTask DisposeAsync() => workspace.DisposeAsync();
}
