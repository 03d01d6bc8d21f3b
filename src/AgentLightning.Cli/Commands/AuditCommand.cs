using System.CommandLine;
using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Server.Audit;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning audit list</c>: who did what.</summary>
internal static class AuditCommand
{
    public static Command Create() => new("audit", "Shows who changed what.") { CreateList() };

    private static Command CreateList()
    {
        var agentId = new Option<string?>("--agent-id") { Description = "Only entries about this agent." };
        var action = new Option<string?>("--action")
        {
            Description = $"Only entries of this kind: {string.Join(", ", Enum.GetValues<AuditAction>().Select(EnumText.Of))}.",
        };
        var start = CommonOptions.Start("Only entries from this time on, for example 2026-01-31 or 2026-01-31T12:00:00Z.");
        var end = CommonOptions.End("Only entries before this time; a day counts whole.");
        return new ListCommand(RecordKind.AuditEntry, "Only entries older than this one", most: 50).Create(
            "list",
            "Lists audit entries, newest first. Example: lightning audit list --action promoted",
            [agentId, action, start, end],
            (parsed, opened, place, cancellationToken) =>
                opened.Audit.ListAsync(
                    new AuditRequest(
                        parsed.GetValue(agentId),
                        parsed.GetValue(action),
                        parsed.GetValue(start),
                        parsed.GetValue(end),
                        place.Limit,
                        place.Before
                    ),
                    cancellationToken
                ),
            TableOf
        );
    }

    private static RecordTable TableOf(AuditListResponse list)
    {
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
        return table;
    }
}
