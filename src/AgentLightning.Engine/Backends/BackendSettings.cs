using AgentLightning.Common;

namespace AgentLightning.Engine.Backends;

/// <summary>Which model answers, and how: the outcome of arguments, <c>config.toml</c>, environment and defaults, in this order.</summary>
public sealed record BackendSettings
{
    public const string OpenAi = "openai",
        HuggingFace = "huggingface",
        LangChain = "langchain";

    /// <summary>
    /// Names of back ends. <c>langchain</c> is a server like <c>openai</c>; <c>huggingface</c>, which may be called <c>local</c>, is a
    /// model in this process.
    /// </summary>
    public static readonly IReadOnlyList<string> Backends = [LangChain, OpenAi, HuggingFace];

    private const string DefaultServerModel = "gpt-oss:20b",
        DefaultLocalModel = "openai/gpt-oss-20b",
        DefaultServer = "https://api.openai.com/v1";

    public required string Backend { get; init; }

    /// <summary>A name that the server knows; or a folder, or a name in the cache of Hugging Face libraries.</summary>
    public required string Model { get; init; }

    /// <summary>Null for a model in this process.</summary>
    public Uri? BaseUrl { get; init; }

    /// <summary>Not in <see cref="ToString"/>; show it as <see cref="MaskedKey"/>.</summary>
    public string? ApiKey { get; init; }

    public string? MaskedKey => KeyMask.Of(ApiKey);

    /// <summary>Where the request says nothing; null leaves it to the server.</summary>
    public double? Temperature { get; init; }

    /// <summary>Most tokens of an answer where the request says nothing; null leaves it to the server.</summary>
    public int? MaxTokens { get; init; }

    /// <summary><c>none</c> to <c>high</c>; null leaves it to the model.</summary>
    public string? Effort { get; init; }

    public bool Summary { get; init; }

    /// <summary>How weights are kept: <c>float32</c>, <c>bfloat16</c> or <c>float16</c>; null as in the file.</summary>
    public string? Type { get; init; }

    /// <summary>
    /// Tokens that a conversation may have before its beginning is left out: 128,000 of a server, 4,096 of a model in this process.
    /// </summary>
    public int ContextWindow => IsLocal ? 4_096 : 128_000;

    public bool IsLocal => Backend == HuggingFace;

    /// <param name="backend">The caller's choice; null or <c>auto</c> for none.</param>
    /// <param name="model">The caller's choice; null for none.</param>
    /// <param name="hasLocal">Whether models can run in this process.</param>
    /// <exception cref="LightningException">Something is missing or contradicts itself.</exception>
    public static BackendSettings Resolve(
        string? backend,
        string? model,
        BackendConfig? config,
        Func<string, string?> environment,
        bool hasLocal
    )
    {
        var url = environment("OPENAI_API_URL") is { Length: > 0 } set && set != "unset" ? set : null;
        var server = First(config?.Backends[OpenAi].BaseUrl, config?.General.BaseUrl, url);
        var chosen = Named(backend)
            ?? Named(config?.Backend)
            ?? (
                server is not null ? OpenAi
                : hasLocal ? HuggingFace
                : throw new LightningException(
                    ErrorKind.Unavailable,
                    "No backend available. Set OPENAI_API_URL, or give the loader local models for inference in this process."
                )
            );
        if (chosen == HuggingFace && !hasLocal)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                "The backend huggingface is not available: this loader has no local models. Set OPENAI_API_URL for a server."
            );
        }

        var (own, general) = (
            config?.Backends.GetValueOrDefault(chosen) ?? new BackendConfigSection(),
            config?.General ?? new BackendConfigSection()
        );
        // A model that is named for one back end means nothing to another.
        var generalModel = Named(config?.Backend) is { } other && other != chosen ? null : general.Model;
        var settings = new BackendSettings
        {
            Backend = chosen,
            Model = First(
                model,
                own.Model,
                generalModel,
                environment("AF_LLM_MODEL"),
                chosen == HuggingFace ? DefaultLocalModel : DefaultServerModel
            )!,
            Temperature = own.Temperature ?? general.Temperature ?? (chosen == HuggingFace ? 0.7 : null),
            MaxTokens = own.MaxTokens ?? general.MaxTokens ?? (chosen == HuggingFace ? 512 : null),
            Effort = own.Effort ?? general.Effort,
            Summary = own.Summary ?? general.Summary ?? false,
        };
        return chosen == HuggingFace
            ? Local(settings, own, general)
            : Server(
                settings with
                {
                    BaseUrl = UrlOf(First(own.BaseUrl, general.BaseUrl, url, DefaultServer)!),
                    ApiKey = First(own.ApiKey, general.ApiKey, environment("OPENAI_API_KEY")),
                }
            );
    }

    /// <summary>Without the key.</summary>
    public override string ToString() => $"{Backend} {Model}{(BaseUrl is null ? "" : $" at {BaseUrl}, key {MaskedKey ?? "none"}")}";

    private static BackendSettings Local(BackendSettings settings, BackendConfigSection own, BackendConfigSection general)
    {
        var device = own.Device ?? general.Device;
        return device is "cuda" or "mps"
                ? throw LightningException.Invalid(
                    $"The device '{device}' cannot be used: models in this process run on the cpu. Use auto or cpu, or a server such as "
                        + $"vLLM."
                )
            : own.Quantized || general.Quantized
                ? throw LightningException.Invalid(
                    "load_in_8bit and load_in_4bit cannot be used: weights are kept as float32, bfloat16 or float16. Leave them out, and "
                        + "choose with torch_dtype."
                )
            : settings with { Type = (own.Type ?? general.Type) is { } type and not "auto" ? type : null };
    }

    private static BackendSettings Server(BackendSettings settings) =>
        settings.ApiKey is null && !settings.BaseUrl!.IsLoopback
            ? throw LightningException.Invalid(
                $"api_key is required for the backend {settings.Backend} at {settings.BaseUrl}. Set OPENAI_API_KEY, or api_key in "
                    + $"{BackendConfigFile.Name}."
            )
            : settings;

    private static string? Named(string? backend) =>
        backend switch
        {
            null or "" or "auto" => null,
            "local" => HuggingFace,
            _ when Backends.Contains(backend) => backend,
            _ => throw LightningException.Invalid(
                $"Unknown agent backend: {OneLine.Of(backend)}. Valid backends are: {string.Join(", ", Backends)}"
            ),
        };

    private static string? First(params string?[] texts) => Array.Find(texts, text => !string.IsNullOrWhiteSpace(text));

    private static Uri UrlOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0
            ? url
            : throw LightningException.Invalid(
                $"The base URL of the server must be an http or https address without a user, such as {DefaultServer}, but it is "
                    + $"something else. Check OPENAI_API_URL and base_url."
            );
}
