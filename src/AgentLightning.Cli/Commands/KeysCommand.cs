using System.CommandLine;
using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning keys</c>: who may call a server.</summary>
internal static class KeysCommand
{
    private const string Actor = "cli";

    public static Command Create() =>
        new("keys", "Makes, lists and revokes the API keys of a store.") { CreateCreate(), CreateList(), CreateRevoke() };

    private static Command CreateCreate()
    {
        var (store, json) = (CommonOptions.Store(), CommonOptions.Json());
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
            "Makes a key and shows it, once; the store is made when there is none. Example: lightning keys create --name nightly --role "
                + "write --agent triage"
        )
        {
            name,
            role,
            agents,
            days,
            store,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var request = new ApiKeyRequest(
                    parsed.GetValue(name)!,
                    EnumText.Parse<Role>(parsed.GetValue(role), "--role"),
                    parsed.GetValue(agents) is { Length: > 0 } list ? list : null,
                    Expiry(parsed.GetValue(days))
                );
                await using var workspace = await Workspace.OpenAsync(
                    new LightningOptions { Store = parsed.GetValue(store)! },
                    create: true,
                    cancellationToken
                );
                var made = await workspace.Get<ApiKeyService>().CreateAsync(request, Actor, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(
                        new
                        {
                            key = made.Text,
                            made.Key.Id,
                            made.Key.Name,
                            made.Key.Role,
                            made.Key.Agents,
                            made.Key.CreatedAt,
                            made.Key.ExpiresAt,
                        }
                    );
                    return ExitCodes.Success;
                }

                // The key by itself, whole, so that it can be copied or piped.
                await Console.Out.WriteLineAsync(made.Text);
                Terminal.Progress.WriteLine(
                    $"This is the only time that the key is shown. Its id is {made.Key.Id}; "
                        + $"'lightning keys revoke {made.Key.Id}' takes it back."
                );
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Command CreateList()
    {
        var (store, json) = (CommonOptions.Store(), CommonOptions.Json());
        var command = new Command(
            "list",
            "Lists the keys, newest first, without their text, which nobody keeps. Example: lightning keys list"
        )
        {
            store,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var workspace = await Workspace.OpenAsync(
                    new LightningOptions { Store = parsed.GetValue(store)! },
                    create: false,
                    cancellationToken
                );
                var keys = await workspace.Get<ApiKeyService>().ListAsync(cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(new { keys_found = keys.Count, keys });
                    return ExitCodes.Success;
                }

                var now = workspace.Get<TimeProvider>().GetUtcNow();
                var table = new RecordTable(
                    new("id", ColumnKind.Id),
                    new("name"),
                    new("role", ColumnKind.Fixed),
                    new("agents"),
                    new("state"),
                    new("created", ColumnKind.Fixed, Spare: 2),
                    new("last used", ColumnKind.Fixed, Spare: 1)
                );
                foreach (var key in keys)
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
        var (store, json) = (CommonOptions.Store(), CommonOptions.Json());
        var id = new Argument<string>("id") { Description = "The key's id, as 'lightning keys list' shows it." };
        CommonOptions.RefuseOptions(id, "No id begins with two dashes.");
        var command = new Command("revoke", "Takes a key back; servers refuse it within a second. Example: lightning keys revoke ID")
        {
            id,
            store,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var workspace = await Workspace.OpenAsync(
                    new LightningOptions { Store = parsed.GetValue(store)! },
                    create: false,
                    cancellationToken
                );
                var key = await workspace.Get<ApiKeyService>().RevokeAsync(parsed.GetValue(id)!, Actor, cancellationToken);
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

    /// <summary>Days that no span of time can hold are not days at all.</summary>
    private static TimeSpan? Expiry(double? days) =>
        days is null ? null
        : double.IsFinite(days.Value) && Math.Abs(days.Value) < 1_000_000 ? TimeSpan.FromDays(days.Value)
        : throw LightningException.Invalid(
            string.Create(CultureInfo.InvariantCulture, $"--expires-days must be from an hour to 3650 days, but it is {days.Value}.")
        );

    private static string State(ApiKey key, DateTimeOffset now) =>
        key.RevokedAt is { } revoked ? $"revoked {Time(revoked)}"
        : key.ExpiresAt is not { } expires ? "valid"
        : expires <= now ? $"expired {Time(expires)}"
        : $"until {Time(expires)}";

    private static string Time(DateTimeOffset? time) => time?.ToString("u", CultureInfo.InvariantCulture) ?? "";
}
