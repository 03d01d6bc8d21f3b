using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Rewards;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning rewards list</c>: what was given to episodes, superseded rewards too.</summary>
internal static class RewardsCommand
{
    public static Command Create() => new("rewards", "Lists the rewards of episodes.") { CreateList() };

    private static Command CreateList()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var agentId = new Option<string?>("--agent-id") { Description = "Only rewards of this agent." };
        var episodeId = new Option<string?>("--episode-id") { Description = "Only rewards of this episode." };
        var source = new Option<string?>("--source") { Description = "Only rewards of this source, for example human_approval." };
        var limit = new Option<int>("--limit") { Description = "How many, 1 to 1000.", DefaultValueFactory = _ => 50 };
        var before = new Option<string?>("--before")
        {
            Description = "Only rewards older than this one: the last id of a page gives the next.",
        };
        var command = new Command(
            "list",
            "Lists rewards, newest first. Example: lightning rewards list --store lightning-demo/lightning.db --limit 5"
        )
        {
            agentId,
            episodeId,
            source,
            limit,
            before,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var word = parsed.GetValue(source) is { } text ? EnumText.Parse<RewardSource>(text, "--source") : (RewardSource?)null;
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var list = await opened.Rewards.ListAsync(
                    new RewardQuery(
                        parsed.GetValue(agentId),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.Episode, parsed.GetValue(episodeId), cancellationToken),
                        word,
                        parsed.GetValue(limit),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.Reward, parsed.GetValue(before), cancellationToken)
                    ),
                    cancellationToken
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(list);
                    return ExitCodes.Success;
                }

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

                table.Write();
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
