using System.CommandLine;
using AgentLightning.Cli.Commands;
using AgentLightning.Common;
using AgentLightning.Server.Configuration;
using AgentLightning.Training;

namespace AgentLightning.Cli.Records;

/// <summary>
/// The options that say where the records are: <c>--store</c>, or <c>--server</c> with <c>--api-key</c>. Every command that reads or writes
/// records takes them.
/// </summary>
internal sealed class RecordsOptions
{
    private readonly Option<string> _store = CommonOptions.Store();

    private readonly Option<string?> _server = new("--server")
    {
        Description = "Ask this server instead of opening a store, for example http://127.0.0.1:4747; LIGHTNING_SERVER by default.",
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

    /// <summary>Whether the command line itself names a store or a server.</summary>
    public bool AreGiven(ParseResult parsed) => IsGiven(parsed, _store) || IsGiven(parsed, _server);

    /// <summary>The store that is meant; null when a server is.</summary>
    public string? StorePath(ParseResult parsed) =>
        !IsGiven(parsed, _store) && (parsed.GetValue(_server) ?? Variable("LIGHTNING_SERVER")) is not null ? null : parsed.GetValue(_store);

    /// <summary>
    /// The options as another command line needs them to mean the same, after a blank; empty where none do. A connection string, which may
    /// hold a password, is left to a variable.
    /// </summary>
    public string Arguments(ParseResult parsed) =>
        IsGiven(parsed, _store)
            ? IsDatabase(parsed.GetValue(_store)!)
                ? " --store \"$LIGHTNING_STORE\""
                : $" --store '{parsed.GetValue(_store)}'"
            : IsGiven(parsed, _server)
                ? $" --server {parsed.GetValue(_server)}"
                : "";

    /// <summary>Whether a store is a database of PostgreSQL, and no file.</summary>
    public static bool IsDatabase(string store) => new LightningOptions { Store = store }.UsesPostgres;

    /// <summary>Opens what is named. A store must exist and have the schema of this program: nothing is made or changed here.</summary>
    public Task<IRecords> OpenAsync(ParseResult parsed, CancellationToken cancellationToken) =>
        OpenAsync(parsed, checkSchema: true, cancellationToken);

    /// <param name="checkSchema">False for who wants to tell what is wrong with a store.</param>
    public async Task<IRecords> OpenAsync(ParseResult parsed, bool checkSchema, CancellationToken cancellationToken)
    {
        if (IsGiven(parsed, _store) && IsGiven(parsed, _server))
        {
            throw LightningException.Invalid("--server and --store both say where the records are; give one of them.");
        }

        // A store that is named counts more than a server that the environment names.
        if (!IsGiven(parsed, _store) && (parsed.GetValue(_server) ?? Variable("LIGHTNING_SERVER")) is { } server)
        {
            return new ServerRecords(new ServerConnection(server, parsed.GetValue(_apiKey) ?? Variable("LIGHTNING_API_KEY")));
        }

        if (IsGiven(parsed, _apiKey))
        {
            throw LightningException.Invalid("--api-key is for a server, and a store asks for none; give --server too, or leave it out.");
        }

        // The models of this machine are its user's, who may name them by their paths.
        var models = new ModelOptions { AllowPaths = true };
        var options = new LightningOptions
        {
            Store = parsed.GetValue(_store)!,
            Models = Variable("LIGHTNING_MODELS__FOLDER") is { } folder ? models with { Folder = folder } : models,
            Datasets = SettingsReader.ReadDatasets(
                Environment
                    .GetEnvironmentVariables()
                    .Cast<System.Collections.DictionaryEntry>()
                    .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value))
            ),
        };
        return new StoreRecords(
            checkSchema
                ? await Workspace.OpenAsync(options, cancellationToken)
                : await Workspace.OpenUncheckedAsync(options, cancellationToken)
        );
    }

    private static bool IsGiven<T>(ParseResult parsed, Option<T> option) => parsed.GetResult(option) is { Implicit: false };

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
