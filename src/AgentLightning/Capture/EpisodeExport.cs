using System.Runtime.CompilerServices;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;

namespace AgentLightning.Capture;

/// <summary>
/// Writes records as lines that <see cref="CaptureService.AddBatchAsync"/> takes: what one store exports another imports.
/// </summary>
public sealed class EpisodeExport(IEpisodeStore episodes, IRewardStore rewards, Redactor redactor)
{
    private const int Page = 200;

    /// <summary>
    /// Lines of JSON, oldest rewards of an episode after it, episodes newest first. Memory does not grow with their number.
    /// </summary>
    /// <param name="query">Which episodes; its limit does not count.</param>
    public async IAsyncEnumerable<string> ReadAsync(EpisodeQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (
            var episode in episodes.ReadAsync(query.AsStored(redactor) with { Limit = Page }, cancellationToken).ConfigureAwait(false)
        )
        {
            yield return Line("episode", episode);
            foreach (var reward in (await rewards.HistoryAsync(episode.Id, cancellationToken).ConfigureAwait(false)).Reverse())
            {
                yield return Line(
                    "reward",
                    new RewardInput(
                        reward.EpisodeId,
                        reward.Scale is null ? reward.Value : null,
                        reward.Comments,
                        reward.Correction,
                        EnumText.Of(reward.Source),
                        reward.Rubric,
                        reward.Evaluator,
                        reward.Id,
                        reward.RawValue,
                        reward.Scale,
                        reward.CreatedAt
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
