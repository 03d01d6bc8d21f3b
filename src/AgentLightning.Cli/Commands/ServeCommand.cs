using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Server;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning serve</c>: the server in the foreground, until Ctrl+C.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var urls = new Option<string>("--urls") { Description = "Addresses to listen on, separated by semicolons.", DefaultValueFactory = _ => LightningServerOptions.DefaultUrl };
        var store = CommonOptions.Store();
        var command = new Command("serve", "Serves the REST API on a store. Example: lightning serve --store lightning-demo/lightning.db") { urls, store };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new LightningServerOptions { Urls = parsed.GetValue(urls)!, Lightning = new LightningOptions { Store = parsed.GetValue(store)! } };
            await using var app = await LightningServer.BuildAsync(options, cancellationToken);
            await app.StartAsync(cancellationToken);
            await Console.Out.WriteLineAsync($"Agent Lightning serves {options.Lightning.StoreName} at {string.Join(" ", app.Urls)}  (Ctrl+C ends it)");
            await app.WaitForShutdownAsync(cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }
}
