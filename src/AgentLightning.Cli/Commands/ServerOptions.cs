using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Ports.Tinker;

namespace AgentLightning.Cli.Commands;

/// <summary>Training on another machine: the options that name it, and the run.</summary>
internal sealed class ServerOptions
{
    public Option<string?> Url { get; } =
        new("--server")
        {
            Description =
                "Train on this server instead of here: one of 'lightning model serve', or another of the same API. --model then only "
                + "gives the tokenizer.",
        };

    public Option<FileInfo?> KeyFile { get; } =
        Key($"File with the key of the server; without it the variable {TinkerOptions.KeyVariable}.");

    public Option<string?> BaseModel { get; } =
        new("--base-model") { Description = "The model to begin with, as the server names it; not needed where it has only one." };

    public static Option<FileInfo?> Key(string description) => new("--api-key-file") { Description = description };

    /// <summary>The key of a file, or else of a variable, or null.</summary>
    public static string? ReadKey(FileInfo? file, string variable)
    {
        if (file is not null && !file.Exists)
        {
            throw LightningException.Invalid($"There is no file of a key '{file}'.");
        }

        var key = (file is null ? Environment.GetEnvironmentVariable(variable) : File.ReadAllText(file.FullName))?.Trim();
        return string.IsNullOrEmpty(key)
            ? file is null
                ? null
                : throw LightningException.Invalid($"The file of the key '{file}' is empty.")
            : key;
    }

    /// <summary>Where the training is to be, or null for here.</summary>
    /// <param name="rank">Of the adapter; null trains all weights.</param>
    /// <param name="alpha">Of the adapter; null is what the server takes.</param>
    public TinkerOptions? Read(ParseResult parsed, int? rank, float? alpha, long seed)
    {
        if (parsed.GetValue(Url) is not { } url)
        {
            return parsed.GetResult(KeyFile) is null && parsed.GetResult(BaseModel) is null
                ? null
                : throw LightningException.Invalid("--api-key-file and --base-model need --server.");
        }

        return Uri.TryCreate(url, UriKind.Absolute, out var address)
            ? new TinkerOptions
            {
                Url = address,
                ApiKey = ReadKey(parsed.GetValue(KeyFile), TinkerOptions.KeyVariable),
                BaseModel = parsed.GetValue(BaseModel),
                Lora = rank is null ? null : new LoraConfig(rank.Value, seed, Alpha: alpha),
            }
            : throw LightningException.Invalid($"--server must be an address such as http://127.0.0.1:4748, but it is '{url}'.");
    }

    public static async Task<ReinforcementResult> TrainAsync(
        TinkerOptions server,
        string? folder,
        RewardTask named,
        ReinforcementOptions options,
        RunFolder? run,
        bool resume,
        string? target,
        Action<ReinforcementEvent> progress,
        CancellationToken cancellationToken
    )
    {
        var tokenizer = folder is null ? null : LanguageModel.TryLoadTokenizer(folder);
        await using var port = await TinkerModelPort.CreateAsync(server, tokenizer, TimeProvider.System, cancellationToken);
        var result = await ReinforcementLoop.TrainAsync(
            port,
            tokenizer is not null,
            named.Tasks,
            named.HeldOut,
            named.Environment,
            options,
            run,
            resume,
            TimeProvider.System,
            progress,
            null,
            cancellationToken
        );
        if (target is not null)
        {
            await port.ExportAsync(target, cancellationToken);
        }

        return result;
    }
}
