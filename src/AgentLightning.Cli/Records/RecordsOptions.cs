using System.CommandLine;
using AgentLightning.Cli.Commands;

namespace AgentLightning.Cli.Records;

/// <summary>The options that say where the records are: <c>--store</c>, or <c>--server</c> with <c>--api-key</c>.</summary>
internal sealed class RecordsOptions
{
    private readonly Option<string> _store = CommonOptions.Store();

    private readonly Option<string?> _server = new("--server")
    {
        Description = "Ask this server instead of opening a store, for example http://127.0.0.1:4747; LIGHTNING_SERVER by default.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("LIGHTNING_SERVER") is { Length: > 0 } server ? server : null,
    };

    private readonly Option<string?> _apiKey = new("--api-key")
    {
        Description = "The server's API key. Better given as LIGHTNING_API_KEY: others see the command lines of a machine.",
    };

    public void AddTo(Command command)
    {
        command.Add(_store);
        command.Add(_server);
        command.Add(_apiKey);
    }

    /// <param name="create">Whether a store that does not exist is made.</param>
    public async Task<IRecords> OpenAsync(ParseResult parsed, bool create, CancellationToken cancellationToken)
    {
        // A store that is named counts more than a server that the environment names.
        var storeIsNamed = parsed.GetResult(_store) is { Implicit: false } && parsed.GetResult(_server) is not { Implicit: false };
        if (!storeIsNamed && parsed.GetValue(_server) is { } server)
        {
            return new ServerRecords(server, parsed.GetValue(_apiKey) ?? Environment.GetEnvironmentVariable("LIGHTNING_API_KEY"));
        }

        return new StoreRecords(
            await Workspace.OpenAsync(new LightningOptions { Store = parsed.GetValue(_store)! }, create, cancellationToken)
        );
    }
}
