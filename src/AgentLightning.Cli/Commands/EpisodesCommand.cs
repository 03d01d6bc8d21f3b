using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning episodes list</c> and <c>show</c>: what was captured.</summary>
internal static class EpisodesCommand
{
    public static Command Create() => new("episodes", "Lists and shows what was captured.") { CreateList(), CreateShow() };

    private static Command CreateList()
    {
        var (store, json) = (CommonOptions.Store(), CommonOptions.Json());
        var agentId = new Option<string?>("--agent-id") { Description = "Only episodes of this agent." };
        var limit = new Option<int>("--limit") { Description = "How many, 1 to 1000.", DefaultValueFactory = _ => 20 };
        var before = new Option<string?>("--before") { Description = "Only episodes older than this one: the last id of a page gives the next." };
        var command = new Command("list", "Lists episodes, newest first. Example: lightning episodes list --store lightning-demo/lightning.db --limit 5") { agentId, limit, before, store, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var workspace = await Workspace.OpenAsync(new LightningOptions { Store = parsed.GetValue(store)! }, create: false, cancellationToken);
            var query = new EpisodeQuery(parsed.GetValue(agentId), Limit: parsed.GetValue(limit), Before: parsed.GetValue(before));
            var episodes = await workspace.Get<IEpisodeStore>().ListAsync(query, cancellationToken);
            if (parsed.GetValue(json))
            {
                Terminal.WriteJson(new { query.AgentId, episodes_found = episodes.Count, episodes });
                return ExitCodes.Success;
            }

            var table = new Table().AddColumns("id", "created", "agent", "model", "ms", "input");
            foreach (var episode in episodes)
            {
                table.AddRow(
                    Markup.Escape(episode.Id), episode.CreatedAt.ToString("u", CultureInfo.InvariantCulture), Markup.Escape(episode.AgentId), Markup.Escape(episode.ModelDeployment ?? ""),
                    episode.RequestLatencyMs.ToString("0.00", CultureInfo.InvariantCulture), Markup.Escape(episode.UserInput.ReplaceLineEndings(" ")));
            }

            Terminal.Results.Write(table);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command CreateShow()
    {
        var (store, json) = (CommonOptions.Store(), CommonOptions.Json());
        var id = new Argument<string>("id") { Description = "The episode's id." };
        CommonOptions.RefuseOptions(id, "No id begins with two dashes.");
        var command = new Command("show", "Shows one episode, whole, with every reward it got. Example: lightning episodes show ID") { id, store, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var workspace = await Workspace.OpenAsync(new LightningOptions { Store = parsed.GetValue(store)! }, create: false, cancellationToken);
            var wanted = Ids.Check(parsed.GetValue(id), "id");
            var episode = await workspace.Get<IEpisodeStore>().FindAsync(wanted, cancellationToken) ?? throw LightningException.NotFound($"Episode {wanted} not found");
            var rewards = await workspace.Get<IRewardStore>().HistoryAsync(wanted, cancellationToken);
            if (parsed.GetValue(json))
            {
                Terminal.WriteJson(new { episode, rewards });
                return ExitCodes.Success;
            }

            var grid = new Grid().AddColumn().AddColumn();
            grid.AddRow("id", Markup.Escape(episode.Id));
            grid.AddRow("agent", Markup.Escape(episode.AgentId));
            grid.AddRow("created", episode.CreatedAt.ToString("u", CultureInfo.InvariantCulture));
            grid.AddRow("model", Markup.Escape(episode.ModelDeployment ?? ""));
            grid.AddRow("latency", string.Create(CultureInfo.InvariantCulture, $"{episode.RequestLatencyMs:0.000} ms"));
            grid.AddRow("input", Markup.Escape(episode.UserInput));
            grid.AddRow("output", Markup.Escape(episode.AssistantOutput));
            foreach (var reward in rewards)
            {
                var state = reward.IsCurrent ? "" : " (superseded)";
                grid.AddRow("reward", Markup.Escape(string.Create(CultureInfo.InvariantCulture, $"{reward.Value:+0.000;-0.000;0.000} by {EnumText.Of(reward.Source)} {reward.Evaluator} {reward.Comments}{state}")));
            }

            Terminal.Results.Write(grid);
            return ExitCodes.Success;
        });
        return command;
    }
}
