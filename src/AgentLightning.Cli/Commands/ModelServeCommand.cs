using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.ModelServer;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model serve</c>: a model that others train over HTTP, in the foreground, until Ctrl+C.</summary>
internal static class ModelServeCommand
{
    private const string KeyVariable = "LIGHTNING_MODEL_SERVER_KEY";

    public static Command Create()
    {
        var (model, threads) = (ModelCommand.Model(), ModelCommand.Threads());
        var urls = new Option<string>("--urls")
        {
            Description = "Addresses to listen on, split by ';'. Others than this machine's own need a key.",
            DefaultValueFactory = _ => ModelServerOptions.DefaultUrl,
        };
        var key = ServerOptions.Key($"File with the key that clients must show; without it the variable {KeyVariable}.");
        var name = new Option<string?>("--name") { Description = "What clients call the model; the name of its folder by default." };
        var full = new Option<bool>("--full")
        {
            Description = "Let clients train all weights, one model at a time, and not only adapters.",
        };
        var checkpoints = new Option<DirectoryInfo?>("--checkpoints")
        {
            Description = "Folder for checkpoints; without one they are kept until the server ends.",
        };
        var most = new Option<int>("--max-models") { Description = "Models in training at once.", DefaultValueFactory = _ => 8 };
        var command = new Command(
            "serve",
            "Serves a model for training over HTTP, in the shape of the Tinker API. Example: lightning model serve --model models/small"
        )
        {
            model,
            urls,
            key,
            name,
            full,
            checkpoints,
            most,
            threads,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var options = new ModelServerOptions
                {
                    ModelFolder = parsed.GetValue(model)!.FullName,
                    ModelName = parsed.GetValue(name),
                    Urls = parsed.GetValue(urls)!,
                    ApiKey = ServerOptions.ReadKey(parsed.GetValue(key), KeyVariable),
                    AllWeights = parsed.GetValue(full),
                    Threads = parsed.GetValue(threads),
                    CheckpointFolder = parsed.GetValue(checkpoints)?.FullName,
                    MaxModels = parsed.GetValue(most),
                };
                await using var app = ModelServerHost.Build(options, cancellationToken);
                await app.StartAsync(cancellationToken);
                await Console.Out.WriteLineAsync(
                    $"Agent Lightning serves {parsed.GetValue(model)!.Name} for training at {string.Join(" ", app.Urls)}  (Ctrl+C ends it)"
                );
                await app.WaitForShutdownAsync(cancellationToken);
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
