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

/// <summary><c>lightning label-episode</c>: a person's reward for an episode.</summary>
internal static class LabelEpisodeCommand
{
    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var episodeId = new Option<string>("--episode-id") { Description = "The episode.", Required = true };
        var reward = new Option<double>("--reward") { Description = "How good it was, -1 to 1.", Required = true };
        var feedback = new Option<string?>("--feedback") { Description = "A comment." };
        var correction = new Option<string?>("--correction") { Description = "The right answer, if you know it." };
        var command = new Command(
            "label-episode",
            "Gives an episode a reward. Example: lightning label-episode --episode-id ID --reward 0.8 --feedback \"right\""
        )
        {
            episodeId,
            reward,
            feedback,
            correction,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var given = await opened.Rewards.AssignAsync(
                    new RewardInput(
                        await opened.Ids.WholeAsync(RecordKind.Episode, parsed.GetValue(episodeId)!, cancellationToken),
                        parsed.GetValue(reward),
                        parsed.GetValue(feedback),
                        parsed.GetValue(correction),
                        null,
                        null,
                        null,
                        null
                    ),
                    cancellationToken
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(given);
                }
                else
                {
                    var source = EnumText.Of(given.Source);
                    Terminal.Results.MarkupLineInterpolated(
                        CultureInfo.InvariantCulture,
                        $"Episode {given.EpisodeId} has the reward [bold]{given.Value:+0.000;-0.000;0.000}[/] from {source}"
                    );
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }
}
