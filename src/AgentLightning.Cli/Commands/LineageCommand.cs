using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Deployments;
using AgentLightning.Lookup;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning lineage</c>: why what serves serves.</summary>
internal static class LineageCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var user = new Option<string?>("--user") { Description = "Which data sets and models learned from this user, instead." };
        var session = new Option<string?>("--session") { Description = "The same of a session." };
        var episode = new Option<string?>("--episode") { Description = "The same of an episode." };
        var command = new Command(
            "lineage",
            "Shows each release with its run, data set and evaluation, newest first, or which models learned from a user. Example: "
                + "lightning lineage --user u-17"
        )
        {
            agentId,
            user,
            session,
            episode,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var query = new DataUseQuery(
                    parsed.GetValue(user),
                    parsed.GetValue(session),
                    await opened.Ids.WholeOrNoneAsync(RecordKind.Episode, parsed.GetValue(episode), cancellationToken)
                );
                if (query != new DataUseQuery())
                {
                    Write(await opened.Datasets.UseAsync(query, cancellationToken), parsed.GetValue(json));
                    return ExitCodes.Success;
                }

                var lineage = await opened.Releases.LineageAsync(parsed.GetValue(agentId)!, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(lineage);
                    return ExitCodes.Success;
                }

                var table = new RecordTable(
                    new("", ColumnKind.Fixed),
                    new("release", ColumnKind.Id, Spare: 2),
                    new("model"),
                    new("run", ColumnKind.Id),
                    new("data set", ColumnKind.Id, Spare: 5),
                    new("promoted", ColumnKind.Fixed, Spare: 4),
                    new("by", Spare: 3),
                    new("evidence", Spare: 1),
                    new("why")
                );
                foreach (var entry in lineage.Lineage)
                {
                    table.Add(
                        entry.IsActive ? "active" : "",
                        entry.DeploymentId,
                        entry.TunedModel,
                        entry.TrainingRun?.Id,
                        entry.Dataset?.Id,
                        entry.PromotedAt.ToString("u", CultureInfo.InvariantCulture),
                        entry.PromotedBy,
                        entry.Evaluation is { } e
                            ? string.Create(
                                CultureInfo.InvariantCulture,
                                $"{e.Baseline:0.000} → {e.Candidate:0.000}, gate {(e.Passed ? "passed" : "not passed")}"
                            )
                            : "none",
                        entry.RollbackReason is { } reason ? $"rollback: {reason}"
                            : entry.Forced ? "forced"
                            : entry.TrainingRun is null ? "built in"
                            : "gate"
                    );
                }

                table.Write();
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static void Write(DataUse use, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(use);
        }
        else if (use.DataSets.Count == 0)
        {
            Terminal.Out.WriteLine("No data set holds anything of it.");
        }
        else
        {
            DataUseTable.Write(use.DataSets, use.TrainingRuns, use.Releases);
        }
    }
}
