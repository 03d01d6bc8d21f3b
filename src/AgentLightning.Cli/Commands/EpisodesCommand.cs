using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Lookup;
using AgentLightning.Server.Episodes;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning episodes</c>: what was captured.</summary>
internal static class EpisodesCommand
{
    public static Command Create() =>
        new("episodes", "Lists, shows, deletes, exports and imports what was captured.")
        {
            CreateList(),
            CreateShow(),
            EpisodesDeleteCommand.Create(),
            EpisodesExportCommand.Create(),
            EpisodesImportCommand.Create(),
        };

    private static Command CreateList()
    {
        var agentId = new Option<string?>("--agent-id") { Description = "Only episodes of this agent." };
        var sessionId = new Option<string?>("--session-id") { Description = "Only episodes of this session." };
        var userId = new Option<string?>("--user-id") { Description = "Only episodes of this user." };
        return new ListCommand(RecordKind.Episode, "Only episodes older than this one", most: 20).Create(
            "list",
            "Lists episodes, newest first. Example: lightning episodes list --store lightning-demo/lightning.db --limit 5",
            [agentId, sessionId, userId],
            (parsed, opened, place, cancellationToken) =>
                opened.Episodes.ListAsync(
                    new EpisodeQuery(
                        parsed.GetValue(agentId),
                        Limit: place.Limit,
                        Before: place.Before,
                        SessionId: parsed.GetValue(sessionId),
                        UserId: parsed.GetValue(userId)
                    ),
                    cancellationToken
                ),
            TableOf
        );
    }

    private static RecordTable TableOf(EpisodeListResponse listed)
    {
        var table = new RecordTable(
            new("id", ColumnKind.Id),
            new("created", ColumnKind.Fixed, Spare: 1),
            new("agent"),
            new("model", Spare: 3),
            new("ms", ColumnKind.Fixed, Spare: 2),
            new("input")
        );
        foreach (var episode in listed.Episodes)
        {
            table.Add(
                episode.Id,
                episode.CreatedAt.ToString("u", CultureInfo.InvariantCulture),
                episode.AgentId,
                episode.ModelDeployment,
                episode.RequestLatencyMs.ToString("0.00", CultureInfo.InvariantCulture),
                InputText.Of(episode.UserInput)
            );
        }
        return table;
    }

    private static Command CreateShow()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var id = new Argument<string>("id") { Description = "The episode's id." };
        CommonOptions.RefuseOptions(id, "No id begins with two dashes.");
        var command = new Command("show", "Shows one episode, whole, with every reward it got. Example: lightning episodes show ID") { id };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var whole = await opened.Ids.WholeAsync(RecordKind.Episode, parsed.GetValue(id)!, cancellationToken);
                var episode = await opened.Episodes.GetAsync(whole, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(episode);
                    return ExitCodes.Success;
                }

                var grid = new Grid().AddColumn().AddColumn();
                Add("id", episode.Id);
                Add("agent", episode.AgentId);
                Add("created", episode.CreatedAt.ToString("u", CultureInfo.InvariantCulture));
                Add("status", EnumText.Of(episode.Status));
                Add("model", episode.ModelDeployment);
                Add("session", episode.SessionId);
                Add("user", episode.UserId);
                Add("intent", episode.Intent);
                Add("latency", string.Create(CultureInfo.InvariantCulture, $"{episode.RequestLatencyMs:0.000} ms"));
                Add(
                    "tokens",
                    episode.TokenUsage is { } usage
                        ? string.Create(CultureInfo.InvariantCulture, $"{usage.Prompt} in, {usage.Completion} out")
                        : null
                );
                Add("input", episode.PayloadRemoved ? "(removed)" : episode.UserInput);
                Add("output", episode.PayloadRemoved ? "(removed)" : episode.AssistantOutput);
                Add("error", episode.Error);
                foreach (var call in episode.ToolCalls)
                {
                    Add(
                        "tool",
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{call.ToolName} {call.Arguments} → {call.Error ?? call.Result} ({call.DurationMs:0.0} ms)"
                        )
                    );
                }

                foreach (var reward in episode.Rewards)
                {
                    var state = reward.IsCurrent ? "" : " (superseded)";
                    Add(
                        "reward",
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{reward.Value:+0.000;-0.000;0.000} by {EnumText.Of(reward.Source)} {reward.Evaluator} "
                                + $"{reward.Comments}{state}"
                        )
                    );
                }

                Terminal.Results.Write(grid);
                return ExitCodes.Success;

                void Add(string name, string? value)
                {
                    if (value is not null)
                    {
                        grid.AddRow(name, Markup.Escape(value));
                    }
                }
            }
        );
        return command;
    }
}
