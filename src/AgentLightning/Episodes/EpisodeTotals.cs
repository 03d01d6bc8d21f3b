using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Episodes;

/// <summary>What episodes that are stored add to the totals, their rewards included.</summary>
internal static class EpisodeTotals
{
    /// <summary>Parameters of one statement.</summary>
    private const int Together = 500;

    /// <summary>
    /// Gathers what the episodes add now. Before they are deleted or changed it is taken off, and after a change it is added.
    /// </summary>
    public static async Task GatherAsync(
        DailyTotals totals,
        SqlSession session,
        IReadOnlyList<string> ids,
        bool takeOff,
        CancellationToken cancellationToken
    )
    {
        foreach (var chunk in ids.Chunk(Together))
        {
            var these = new SqlConditions().AddAny("e.id", "@id", chunk);
            var episodes = await session
                .QueryAsync(
                    "SELECT e.agent_id, e.created_at, e.model, e.intent, e.persona, e.deployment_id, e.status, e.latency_ms, "
                        + $"e.prompt_tokens, e.completion_tokens FROM episodes e {these}",
                    reader =>
                    {
                        var succeeded = reader.Text("status") == EnumText.Of(EpisodeStatus.Succeeded);
                        return (
                            Key: KeyOf(reader),
                            Delta: TotalDelta.OfEpisode(succeeded),
                            Deployment: reader.TextOrNull("deployment_id"),
                            Release: ReleaseDelta.OfEpisode(
                                succeeded,
                                reader.Number("latency_ms"),
                                reader.IntegerOrNull("prompt_tokens") ?? 0,
                                reader.IntegerOrNull("completion_tokens") ?? 0
                            ),
                            LatencyMs: reader.Number("latency_ms")
                        );
                    },
                    cancellationToken,
                    these.Parameters
                )
                .ConfigureAwait(false);
            var rewards = await session
                .QueryAsync(
                    "SELECT r.agent_id, e.created_at, e.model, e.intent, e.persona, e.deployment_id, r.value FROM rewards r "
                        + $"JOIN episodes e ON e.id = r.episode_id {these} AND r.is_current = 1",
                    reader =>
                        (
                            Key: KeyOf(reader),
                            Delta: TotalDelta.OfReward(reader.Number("value")),
                            Deployment: reader.TextOrNull("deployment_id"),
                            Release: ReleaseDelta.OfReward(reader.Number("value"))
                        ),
                    cancellationToken,
                    these.Parameters
                )
                .ConfigureAwait(false);
            foreach (var (key, delta, deployment, release, latencyMs) in episodes)
            {
                totals.Add(key, takeOff ? -delta : delta);
                totals.Releases.AddEpisode(deployment, key.AgentId, release, latencyMs, takeOff);
            }

            foreach (var (key, delta, deployment, release) in rewards)
            {
                totals.Add(key, takeOff ? -delta : delta);
                totals.Releases.Add(deployment, key.AgentId, takeOff ? -release : release);
            }
        }
    }

    private static TotalKey KeyOf(DbDataReader reader) =>
        TotalKey.Of(
            reader.Text("agent_id"),
            reader.Integer("created_at"),
            reader.TextOrNull("model"),
            reader.TextOrNull("intent"),
            reader.TextOrNull("persona")
        );
}
