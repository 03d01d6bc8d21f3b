using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Rewards;
using AgentLightning.Server.Rewards;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning rewards list</c>: what was given to episodes, superseded rewards too.</summary>
internal static class RewardsCommand
{
    public static Command Create() => new("rewards", "Lists the rewards of episodes.") { CreateList() };

    private static Command CreateList()
    {
        var agentId = new Option<string?>("--agent-id") { Description = "Only rewards of this agent." };
        var episodeId = new Option<string?>("--episode-id") { Description = "Only rewards of this episode." };
        var source = new Option<string?>("--source") { Description = "Only rewards of this source, for example human_approval." };
        return new ListCommand(RecordKind.Reward, "Only rewards older than this one", most: 50).Create(
            "list",
            "Lists rewards, newest first. Example: lightning rewards list --store lightning-demo/lightning.db --limit 5",
            [agentId, episodeId, source],
            async (parsed, opened, place, cancellationToken) =>
                await opened.Rewards.ListAsync(
                    new RewardQuery(
                        parsed.GetValue(agentId),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.Episode, parsed.GetValue(episodeId), cancellationToken),
                        parsed.GetValue(source) is { } word ? EnumText.Parse<RewardSource>(word, "--source") : null,
                        place.Limit,
                        place.Before
                    ),
                    cancellationToken
                ),
            TableOf
        );
    }

    private static RecordTable TableOf(RewardListResponse list)
    {
        var table = new RecordTable(
            new("id", ColumnKind.Id, Spare: 3),
            new("given", ColumnKind.Fixed, Spare: 1),
            new("episode", ColumnKind.Id),
            new("source"),
            new("reward", ColumnKind.Fixed),
            new("as given", Spare: 2),
            new("counts", ColumnKind.Fixed)
        );
        foreach (var reward in list.Rewards)
        {
            table.Add(
                reward.Id,
                reward.CreatedAt.ToString("u", CultureInfo.InvariantCulture),
                reward.EpisodeId,
                $"{EnumText.Of(reward.Source)} {reward.Evaluator}".TrimEnd(),
                reward.Value.ToString("+0.000;-0.000;0.000", CultureInfo.InvariantCulture),
                reward.RawValue is { } raw ? string.Create(CultureInfo.InvariantCulture, $"{raw} on {reward.Scale}") : "",
                reward.IsCurrent ? "yes" : "superseded"
            );
        }
        return table;
    }
}
