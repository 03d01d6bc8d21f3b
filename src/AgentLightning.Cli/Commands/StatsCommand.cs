using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning stats</c>: how much an agent has of everything.</summary>
internal static class StatsCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var command = new Command(
            "stats",
            "Counts an agent's episodes, rewards, runs and releases. Example: lightning stats --store lightning-demo/lightning.db"
        )
        {
            agentId,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var stats = await opened.Stats.ReadAsync(parsed.GetValue(agentId)!, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(stats);
                    return ExitCodes.Success;
                }

                var counted = stats.Statistics;
                var table = new Table().AddColumns("", "").HideHeaders();
                table.AddRow("agent", Markup.Escape(stats.AgentId));
                table.AddRow("episodes", Count(counted.TotalEpisodes));
                table.AddRow(
                    "rewards",
                    string.Create(CultureInfo.InvariantCulture, $"{counted.TotalRewards}, mean {counted.AverageReward:+0.000;-0.000;0.000}")
                );
                table.AddRow("data sets", Count(counted.TotalDatasets));
                var byStatus = string.Join(", ", counted.TrainingRunStatus.Select(status => $"{status.Value} {status.Key}"));
                table.AddRow("training runs", $"{Count(counted.TotalTrainingRuns)} {byStatus}");
                table.AddRow("releases", Count(counted.TotalDeployments));
                table.AddRow("serves now", Markup.Escape(stats.CurrentModel ?? "not known before the first episode"));
                Terminal.Results.Write(table);
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static string Count(long value) => value.ToString(CultureInfo.InvariantCulture);
}
