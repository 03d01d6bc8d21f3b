using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Lookup;
using AgentLightning.Retention;
using AgentLightning.Server.Episodes;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning episodes delete</c>: takes episodes away, for good.</summary>
internal static class EpisodesDeleteCommand
{
    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var ids = new Option<string[]>("--id") { Description = "These episodes.", AllowMultipleArgumentsPerToken = true };
        var sessionId = new Option<string?>("--session-id") { Description = "Those of this session." };
        var userId = new Option<string?>("--user-id") { Description = "Those of this user." };
        var agentId = new Option<string?>("--agent-id") { Description = "Those of this agent." };
        var days = new Option<double?>("--older-than-days") { Description = "Those older than so many days." };
        var payloadOnly = new Option<bool>("--payload-only")
        {
            Description = "Only texts, messages, tool calls, tokens and metadata; facts and rewards stay.",
        };
        var command = new Command(
            "delete",
            "Deletes episodes with their rewards, feedback and spans. What is given holds together. Example: lightning episodes delete "
                + "--user-id u-17"
        )
        {
            ids,
            sessionId,
            userId,
            agentId,
            days,
            payloadOnly,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var selection = new EpisodeSelection(
                    parsed.GetValue(agentId),
                    parsed.GetValue(ids) is { Length: > 0 } named ? named : null,
                    parsed.GetValue(sessionId),
                    parsed.GetValue(userId),
                    Before(parsed.GetValue(days))
                );
                if (selection.Ids is not null && (selection with { Ids = null }) != new EpisodeSelection())
                {
                    throw LightningException.Invalid("--id names the episodes by itself; leave the other choices out.");
                }

                var scope = parsed.GetValue(payloadOnly) ? RemovalScope.Payload : RemovalScope.Episode;
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                if (selection.Ids is { } parts)
                {
                    var whole = new List<string>();
                    foreach (var part in parts)
                    {
                        whole.Add(await opened.Ids.WholeAsync(RecordKind.Episode, part, cancellationToken));
                    }

                    selection = selection with { Ids = whole };
                }

                EpisodesRemoved removed;
                using (var progress = new ProgressLine("episodes removed"))
                {
                    removed = await opened.Episodes.RemoveAsync(selection, scope, progress, cancellationToken);
                }

                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(removed);
                }
                else
                {
                    Terminal.Out.WriteLine(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{removed.Removed} {(scope == RemovalScope.Episode ? "episodes deleted" : "payloads removed")}"
                        )
                    );
                    if (removed.DataSets is { } datasets)
                    {
                        Terminal.Out.WriteLine("These hold what they were, and are marked; models learned from them:");
                        DataUseTable.Write(datasets, removed.TrainingRuns ?? [], removed.Releases ?? []);
                    }
                }

                return selection.Ids is not null && removed.Removed < selection.Ids.Count ? ExitCodes.Failure : ExitCodes.Success;
            }
        );
        return command;
    }

    private static DateTimeOffset? Before(double? days) =>
        days switch
        {
            null => null,
            >= 0 and <= 36_500 => TimeProvider.System.GetUtcNow().AddDays(-days.Value),
            _ => throw LightningException.Invalid(
                string.Create(CultureInfo.InvariantCulture, $"--older-than-days must be from 0 to 36500, but it is {days}.")
            ),
        };
}
