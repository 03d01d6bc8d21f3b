using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Health;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning health</c>: whether a server, or a store, can do its work.</summary>
internal static class HealthCommand
{
    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var command = new Command(
            "health",
            "Asks a server, or looks at a store, whether it is ready; the exit code is 1 when it is not. Example: lightning health "
                + "--server http://127.0.0.1:4747"
        );
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, checkSchema: false, cancellationToken);
                var ready = await opened.Health.CheckAsync(cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(ready);
                }
                else
                {
                    Write(ready);
                }

                return ready.Status == "healthy" ? ExitCodes.Success : ExitCodes.Failure;
            }
        );
        return command;
    }

    private static void Write(HealthReport ready)
    {
        var table = new Table().AddColumns("", "").HideHeaders();
        table.AddRow("status", Markup.Escape(ready.Status));
        table.AddRow("initialized", ready.Initialized ? "yes" : "no");
        table.AddRow("database", Markup.Escape(ready.Database));
        table.AddRow("auth mode", Markup.Escape(ready.AuthMode));
        foreach (var check in ready.Checks)
        {
            table.AddRow(
                Markup.Escape(check.Name),
                Markup.Escape(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{check.Status}, {check.DurationMs:0.0} ms{(check.Detail is null ? "" : ": " + check.Detail)}"
                    )
                )
            );
        }

        Terminal.Results.Write(table);
    }
}
