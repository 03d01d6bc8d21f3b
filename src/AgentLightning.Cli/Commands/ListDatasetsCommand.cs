using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Lookup;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning list-datasets</c>: the data sets of a store.</summary>
internal static class ListDatasetsCommand
{
    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var agentId = new Option<string?>("--agent-id") { Description = "Only data sets of this agent." };
        var limit = new Option<int>("--limit") { Description = "How many, 1 to 1000.", DefaultValueFactory = _ => 20 };
        var before = new Option<string?>("--before")
        {
            Description = "Only data sets older than this one: the last id of a page gives the next.",
        };
        var command = new Command(
            "list-datasets",
            "Lists data sets, newest first. Example: lightning list-datasets --store lightning-demo/lightning.db"
        )
        {
            agentId,
            limit,
            before,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var list = await opened.Datasets.ListAsync(
                    parsed.GetValue(agentId),
                    parsed.GetValue(limit),
                    await opened.Ids.WholeOrNoneAsync(RecordKind.Dataset, parsed.GetValue(before), cancellationToken),
                    cancellationToken
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(list);
                    return ExitCodes.Success;
                }

                var table = new RecordTable(
                    new("id", ColumnKind.Id),
                    new("made", ColumnKind.Fixed, Spare: 3),
                    new("agent", Spare: 2),
                    new("name"),
                    new("kind", ColumnKind.Fixed, Spare: 1),
                    new("learn", ColumnKind.Fixed),
                    new("held out", ColumnKind.Fixed),
                    new("erased", ColumnKind.Fixed, Spare: 4)
                );
                foreach (var item in list.Datasets)
                {
                    table.Add(
                        item.Id,
                        item.CreatedAt.ToString("u", CultureInfo.InvariantCulture),
                        item.AgentId,
                        $"{item.Name} v{item.Version}",
                        EnumText.Of(item.Kind),
                        item.TrainingCount.ToString(CultureInfo.InvariantCulture),
                        item.ValidationCount.ToString(CultureInfo.InvariantCulture),
                        item.ErasedCount.ToString(CultureInfo.InvariantCulture)
                    );
                }

                table.Write();
                Terminal.Out.WriteLine(
                    list.Datasets is [var newest, ..]
                        ? $"Next: lightning train --dataset-id {newest.Id} --agent-id {newest.AgentId}"
                        : "Next: lightning build-dataset --preview"
                );
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
