using System.CommandLine;
using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Lookup;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning audit list</c>: who did what.</summary>
internal static class AuditCommand
{
    public static Command Create() => new("audit", "Shows who changed what.") { CreateList() };

    private static Command CreateList()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var agentId = new Option<string?>("--agent-id") { Description = "Only entries about this agent." };
        var action = new Option<string?>("--action")
        {
            Description = $"Only entries of this kind: {string.Join(", ", Enum.GetValues<AuditAction>().Select(EnumText.Of))}.",
        };
        var start = CommonOptions.Start("Only entries from this time on, for example 2026-01-31 or 2026-01-31T12:00:00Z.");
        var end = CommonOptions.End("Only entries before this time; a day counts whole.");
        var limit = new Option<int>("--limit") { Description = "How many, 1 to 1000.", DefaultValueFactory = _ => 50 };
        var before = new Option<string?>("--before")
        {
            Description = "Only entries older than this one: the last id of a page gives the next.",
        };
        var command = new Command("list", "Lists audit entries, newest first. Example: lightning audit list --action promoted")
        {
            agentId,
            action,
            start,
            end,
            limit,
            before,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var list = await opened.Audit.ListAsync(
                    new AuditRequest(
                        parsed.GetValue(agentId),
                        parsed.GetValue(action),
                        parsed.GetValue(start),
                        parsed.GetValue(end),
                        parsed.GetValue(limit),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.AuditEntry, parsed.GetValue(before), cancellationToken)
                    ),
                    cancellationToken
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(list);
                    return ExitCodes.Success;
                }

                var table = new RecordTable(
                    new("id", ColumnKind.Id, Spare: 2),
                    new("at", ColumnKind.Fixed),
                    new("actor"),
                    new("action", ColumnKind.Fixed),
                    new("subject"),
                    new("agent", Spare: 1),
                    new("outcome", ColumnKind.Fixed),
                    new("detail", Spare: 3)
                );
                foreach (var entry in list.Entries)
                {
                    table.Add(
                        entry.Id,
                        entry.At.ToString("u", CultureInfo.InvariantCulture),
                        entry.Actor,
                        EnumText.Of(entry.Action),
                        entry.Subject,
                        entry.AgentId ?? "",
                        EnumText.Of(entry.Outcome),
                        string.Join(", ", entry.Detail?.Select(pair => $"{pair.Key} {pair.Value}") ?? [])
                    );
                }

                table.Write();
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
