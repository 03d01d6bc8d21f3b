using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Rewards;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning label-episode</c>: a person's reward for an episode.</summary>
internal static class LabelEpisodeCommand
{
    public static Command Create()
    {
        var (store, json) = (CommonOptions.Store(), CommonOptions.Json());
        var episodeId = new Option<string>("--episode-id") { Description = "The episode.", Required = true };
        var reward = new Option<double>("--reward") { Description = "How good it was, -1 to 1.", Required = true };
        var feedback = new Option<string?>("--feedback") { Description = "A comment." };
        var correction = new Option<string?>("--correction") { Description = "The right answer, if you know it." };
        var command = new Command("label-episode", "Gives an episode a reward. Example: lightning label-episode --episode-id ID --reward 0.8 --feedback \"right\"") { episodeId, reward, feedback, correction, store, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var workspace = await Workspace.OpenAsync(new LightningOptions { Store = parsed.GetValue(store)! }, create: false, cancellationToken);
            var given = await workspace.Get<RewardService>().AssignAsync(
                new RewardRequest(parsed.GetValue(episodeId)!, parsed.GetValue(reward), RewardSource.HumanApproval, parsed.GetValue(correction), Comments: parsed.GetValue(feedback)), cancellationToken);
            if (parsed.GetValue(json))
            {
                Terminal.WriteJson(new { reward_id = given.Id, given.EpisodeId, given.Value, given.Source, given.CreatedAt });
            }
            else
            {
                Terminal.Results.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Episode {given.EpisodeId} has the reward [bold]{given.Value:+0.000;-0.000;0.000}[/] from {EnumText.Of(given.Source)}");
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
