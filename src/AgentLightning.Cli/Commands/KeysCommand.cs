using System.CommandLine;
using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Server.Access;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning keys</c>: who may call a server.</summary>
internal static class KeysCommand
{
    public static Command Create() =>
        new("keys", "Makes, lists and revokes the API keys of a store or a server.") { CreateCreate(), CreateList(), CreateRevoke() };

    private static Command CreateCreate()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var name = new Option<string>("--name") { Description = "Who or what will use the key.", Required = true };
        var role = new Option<string>("--role")
        {
            Description = "'read': look at records; 'write': also add them; 'admin': also change what serves and delete.",
            Required = true,
        };
        role.AcceptOnlyFromAmong([.. Enum.GetValues<Role>().Select(EnumText.Of)]);
        var agents = new Option<string[]>("--agent")
        {
            Description = "An agent that the key is for; may be repeated. Without it the key is for all agents.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var days = new Option<double?>("--expires-days")
        {
            Description = "Days until the key ends, from an hour to 3650; never by default.",
        };
        var command = new Command(
            "create",
            "Makes a key and shows it, once. Example: lightning keys create --name nightly --role " + "write --agent triage"
        )
        {
            name,
            role,
            agents,
            days,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var request = new CreateKeyBody(
                    parsed.GetValue(name),
                    parsed.GetValue(role),
                    parsed.GetValue(agents) is { Length: > 0 } list ? list : null,
                    parsed.GetValue(days)
                );
                ApiKeyRequest.AfterDays(request.ExpiresDays, "--expires-days");
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var made = await opened.Keys.CreateAsync(request, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(made);
                    return ExitCodes.Success;
                }

                // The key by itself, whole, so that it can be copied or piped.
                await Terminal.Out.WriteLineAsync(made.Key);
                Terminal.Progress.WriteLine(
                    $"This is the only time that the key is shown. Its id is {made.Id}; "
                        + $"'lightning keys revoke {made.Id}' takes it back."
                );
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Command CreateList()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var command = new Command(
            "list",
            "Lists the keys, newest first, without their text, which nobody keeps. Example: lightning keys list"
        )
        { };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var keys = await opened.Keys.ListAsync(cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(keys);
                    return ExitCodes.Success;
                }

                var now = TimeProvider.System.GetUtcNow();
                var table = new RecordTable(
                    new("id", ColumnKind.Id),
                    new("name"),
                    new("role", ColumnKind.Fixed),
                    new("agents"),
                    new("state"),
                    new("created", ColumnKind.Fixed, Spare: 2),
                    new("last used", ColumnKind.Fixed, Spare: 1)
                );
                foreach (var key in keys.Keys)
                {
                    table.Add(
                        key.Id,
                        key.Name,
                        EnumText.Of(key.Role),
                        key.Agents is null ? "all" : string.Join(", ", key.Agents),
                        State(key, now),
                        Time(key.CreatedAt),
                        Time(key.LastUsedAt)
                    );
                }

                table.Write();
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Command CreateRevoke()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var id = new Argument<string>("id") { Description = "The key's id, as 'lightning keys list' shows it." };
        CommonOptions.RefuseOptions(id, "No id begins with two dashes.");
        var command = new Command("revoke", "Takes a key back; servers refuse it within a second. Example: lightning keys revoke ID")
        {
            id,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var whole = await opened.Ids.WholeAsync(RecordKind.Key, parsed.GetValue(id)!, cancellationToken);
                var key = await opened.Keys.RevokeAsync(whole, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(key);
                }
                else
                {
                    Terminal.Results.MarkupLineInterpolated($"Key {key.Id} ({key.Name}) is revoked.");
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static string State(ApiKey key, DateTimeOffset now) =>
        key.RevokedAt is { } revoked ? $"revoked {Time(revoked)}"
        : key.ExpiresAt is not { } expires ? "valid"
        : expires <= now ? $"expired {Time(expires)}"
        : $"until {Time(expires)}";

    private static string Time(DateTimeOffset? time) => time?.ToString("u", CultureInfo.InvariantCulture) ?? "";
}
