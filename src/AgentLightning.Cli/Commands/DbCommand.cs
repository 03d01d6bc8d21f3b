using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Storage;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning db</c>: the store itself.</summary>
internal static class DbCommand
{
    public static Command Create() =>
        new("db", "Brings a store's schema up to date, and checks a store.") { CreateMigrate(), CreateCheck() };

    private static Command CreateMigrate()
    {
        var (store, json) = (CommonOptions.Store(), CommonOptions.Json());
        var rebuild = new Option<bool>("--rebuild-totals")
        {
            Description = "Also counts all rows anew, in place of the totals that lists and statistics read.",
        };
        var command = new Command(
            "migrate",
            "Makes the store if there is none, and applies the schema steps that it has not had. Example: lightning db migrate --store "
                + "lightning.db"
        )
        {
            rebuild,
            store,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var options = new LightningOptions { Store = parsed.GetValue(store)! };
                IReadOnlyList<string> applied;
                await using (var before = Workspace.Closed(options))
                {
                    applied = await before.Get<StoreCheck>().PendingMigrationsAsync(cancellationToken);
                }

                await using var workspace = await Workspace.MigrateAsync(options, cancellationToken);
                if (parsed.GetValue(rebuild))
                {
                    await workspace.Get<StoreCheck>().RebuildTotalsAsync(cancellationToken);
                }

                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(new { applied, totals_rebuilt = parsed.GetValue(rebuild) });
                }
                else
                {
                    Terminal.Out.WriteLine(applied.Count == 0 ? "The schema is up to date" : $"Applied {string.Join(", ", applied)}");
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Command CreateCheck()
    {
        var (store, json) = (CommonOptions.Store(), CommonOptions.Json());
        var command = new Command(
            "check",
            "Looks whether the store is sound, its schema up to date and its totals right; reads every row. Example: lightning db check "
                + "--store lightning.db"
        )
        {
            store,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var workspace = await Workspace.OpenUncheckedAsync(
                    new LightningOptions { Store = parsed.GetValue(store)! },
                    cancellationToken
                );
                var checks = await workspace.Get<StoreCheck>().RunAsync(cancellationToken);
                var passed = checks.All(check => check.Passed);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(new { passed, checks });
                }
                else
                {
                    var table = new Table().AddColumns("check", "", "seen");
                    foreach (var check in checks)
                    {
                        table.AddRow(check.Name, check.Passed ? "passed" : "FAILED", Markup.Escape(check.Detail));
                    }

                    Terminal.Results.Write(table);
                }

                return passed ? ExitCodes.Success : ExitCodes.Failure;
            }
        );
        return command;
    }
}
