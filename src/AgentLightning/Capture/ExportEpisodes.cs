using System.Runtime.CompilerServices;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;

namespace AgentLightning.Capture;

/// <summary>
/// Writes records as lines that <see cref="CaptureBatch"/> takes: what one store exports another imports.
/// </summary>
public sealed class ExportEpisodes(IEpisodeStore episodes, IRewardStore rewards, Redactor redactor) : IOperation
{
    private const int Page = 200;

    /// <summary>
    /// Lines of JSON, oldest rewards of an episode after it, episodes newest first; role read. Memory does not grow with their number. What
    /// is refused is refused before the first line.
    /// </summary>
    /// <param name="query">Which episodes; its limit does not count, and its agents are set by the scope.</param>
    public IAsyncEnumerable<string> ReadAsync(Scope scope, EpisodeQuery query, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        return LinesAsync(
            scope,
            (query with { AgentId = scope.Named(query.AgentId), Agents = scope.Agents, Limit = Page }).AsStored(redactor),
            cancellationToken
        );
    }

    private async IAsyncEnumerable<string> LinesAsync(
        Scope scope,
        EpisodeQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await foreach (var episode in episodes.ReadAsync(query, cancellationToken).ConfigureAwait(false))
        {
            var id = EpisodeIds.Shown(scope, episode.Id, episode.AgentId);
            yield return Line("episode", episode with { Id = id });
            foreach (var reward in (await rewards.HistoryAsync(episode.Id, cancellationToken).ConfigureAwait(false)).Reverse())
            {
                yield return Line(
                    "reward",
                    new RewardInput(
                        EpisodeId: id,
                        Reward: reward.Scale is null ? reward.Value : null,
                        Feedback: reward.Comments,
                        Correction: reward.Correction,
                        Source: EnumText.Of(reward.Source),
                        Rubric: reward.Rubric,
                        Evaluator: reward.Evaluator,
                        RewardId: reward.Id,
                        RawValue: reward.RawValue,
                        Scale: reward.Scale,
                        CreatedAt: reward.CreatedAt
                    )
                );
            }
        }
    }

    private static string Line<T>(string type, T record)
    {
        var line = JsonSerializer.SerializeToNode(record, LightningJson.Options)!.AsObject();
        line.Insert(0, "type", type);
        return line.ToJsonString(LightningJson.Options);
    }
}
