using System.Collections;
using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Server;
using AgentLightning.Server.Configuration;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning serve</c>: the server in the foreground, until Ctrl+C.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var config = new Option<string?>("--config")
        {
            Description = $"The configuration file; without it {SettingsReader.FileName} in the current folder, when it is there.",
        };
        var command = new Command("serve", "Serves the REST API on a store. Example: lightning serve --store lightning-demo/lightning.db")
        {
            config,
        };
        var settings = SettingTable
            .All.Where(setting => !setting.IsSecret)
            .Select(setting => (Setting: setting, Option: OptionOf(setting)))
            .ToList();
        settings.ForEach(setting => command.Options.Add(setting.Option));
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                // An option without a value is a switch that is on.
                var arguments = settings
                    .Where(setting => parsed.GetResult(setting.Option) is not null)
                    .Select(setting =>
                        KeyValuePair.Create(
                            setting.Setting.Key,
                            parsed.GetValue(setting.Option) ?? (setting.Setting.IsSwitch ? "true" : null)
                        )
                    );
                var environment = Environment
                    .GetEnvironmentVariables()
                    .Cast<DictionaryEntry>()
                    .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value));
                var options = SettingsReader.Read(
                    parsed.GetValue(config) ?? SettingsReader.FileName,
                    parsed.GetValue(config) is not null,
                    environment,
                    arguments
                );
                await using var app = await LightningServer.BuildAsync(options, cancellationToken);
                await app.StartAsync(cancellationToken);
                await Console.Out.WriteLineAsync(
                    $"Agent Lightning serves {options.Lightning.StoreName} at {string.Join(" ", app.Urls)}  (Ctrl+C ends it)"
                );
                await app.WaitForShutdownAsync(cancellationToken);
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Option<string?> OptionOf(ServerSetting setting) =>
        new(setting.Option)
        {
            Description =
                $"{setting.Description} {char.ToUpperInvariant(setting.Range[0])}{setting.Range[1..]}; {setting.Default} by default.",
            Arity = setting.IsSwitch ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
        };
}
