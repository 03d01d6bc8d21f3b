using AgentLightning.Common;
using AgentLightning.Engine.Chat;
using AgentLightning.Engine.ChatServers;
using AgentLightning.Models.Tensors;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Engine.Backends;

/// <summary>
/// Chooses the model that answers: a server when one is named, by <c>OPENAI_API_URL</c> or in <c>config.toml</c>, and else a model in this
/// process. Arguments go before the table of the back end in <c>config.toml</c>, this before its general table, this before the
/// environment, and this before defaults.
/// </summary>
public sealed partial class BackendLoader(BackendLoaderOptions options, ILogger<BackendLoader> logger)
{
    private const int ShortestAnswer = 6;
    private static readonly AgentPayload s_validation = new()
    {
        UserMessage = "Please say 'Hello world' and 5 words about yourself",
        SystemContext = "You are a helpful assistant.",
        SessionId = "validation",
        Memory = [],
        MaxTokens = 64,
    };

    /// <summary>
    /// What <c>config.toml</c> says; null when there is none, or none for chat back ends, or it cannot be read, which is logged as a
    /// warning.
    /// </summary>
    public BackendConfig? LoadConfig()
    {
        try
        {
            var path = BackendConfigFile.Find(options.Folder);
            var config = path is null ? null : BackendConfigFile.Read(path, options.Environment);
            foreach (var warning in config?.Warnings ?? [])
            {
                LogConfig(logger, OneLine.Of(warning));
            }

            return config;
        }
        catch (Exception e) when (e is LightningException or IOException or UnauthorizedAccessException)
        {
            LogConfig(logger, $"{OneLine.Of(e.Message)} The file is left out.");
            return null;
        }
    }

    /// <summary>Loads a back end. A model in this process is read when the first message comes.</summary>
    /// <param name="backend"><c>openai</c>, <c>huggingface</c> (or <c>local</c>), <c>langchain</c>; null or <c>auto</c> chooses.</param>
    /// <param name="model">Null for the one of the settings.</param>
    /// <param name="validate">Whether the model must answer a first message.</param>
    /// <param name="useConfig">Whether <c>config.toml</c> is read.</param>
    /// <exception cref="LightningException">Nothing can be chosen, a setting is wrong, or the model does not answer.</exception>
    public async Task<ChatBackend> LoadAsync(
        string? backend = null,
        string? model = null,
        bool validate = true,
        bool useConfig = true,
        CancellationToken cancellationToken = default
    )
    {
        var settings = BackendSettings.Resolve(
            backend,
            model,
            useConfig ? LoadConfig() : null,
            options.Environment,
            options.CreateLocal is not null
        );
        var chosen = new ChatBackend(settings, settings.IsLocal ? new LazyChatClient(() => CreateLocal(settings)) : CreateServer(settings));
        if (validate && await FailureOfAsync(chosen, cancellationToken).ConfigureAwait(false) is { } failure)
        {
            chosen.Dispose();
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The back end {OneLine.Of(settings.ToString())} did not pass validation: {failure}"
            );
        }

        var name = OneLine.Of(settings.Model);
        LogLoaded(logger, settings.Backend, name);
        return chosen;
    }

    /// <summary>
    /// Asks for a few words. True when the answer is longer than five characters; whatever goes wrong is false, but for a cancellation.
    /// </summary>
    public async Task<bool> ValidateAsync(ChatBackend backend, CancellationToken cancellationToken = default) =>
        await FailureOfAsync(backend, cancellationToken).ConfigureAwait(false) is null;

    private async Task<string?> FailureOfAsync(ChatBackend backend, CancellationToken cancellationToken)
    {
        try
        {
            var answer = (await backend.InvokeAsync(s_validation, cancellationToken).ConfigureAwait(false)).Response;
            return answer.Length >= ShortestAnswer ? null : $"it answered only {answer.Length} characters.";
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            LogInvalid(logger, backend.Settings.Backend, OneLine.Of(backend.Settings.Model), OneLine.Of(e.Message));
            return e is LightningException ? e.Message : $"{e.GetType().Name}.";
        }
    }

    private ChatServerClient CreateServer(BackendSettings settings) =>
        new(
            new ChatServerOptions
            {
                BaseUrl = settings.BaseUrl!,
                Model = settings.Model,
                ApiKey = settings.ApiKey,
            },
            options.Clock
        );

    private IChatClient CreateLocal(BackendSettings settings)
    {
        var folder = new ModelLocator(options.Environment).Find(settings.Model);
        var model = new LocalModelOptions
        {
            Folder = folder,
            MaxOutputTokens = settings.MaxTokens!.Value,
            Type = settings.Type switch
            {
                null => null,
                "float32" => StoredType.F32,
                "bfloat16" => StoredType.BF16,
                _ => StoredType.F16,
            },
        };
        return options.CreateLocal!(model, () => options.Memory.EnsureRam(MachineMemory.RequirementsOf(folder).Ram));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Agent loaded: {Backend} {Model}")]
    private static partial void LogLoaded(ILogger logger, string backend, string model);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Warning}")]
    private static partial void LogConfig(ILogger logger, string warning);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The back end {Backend} {Model} failed its validation: {Reason}")]
    private static partial void LogInvalid(ILogger logger, string backend, string model, string reason);
}
