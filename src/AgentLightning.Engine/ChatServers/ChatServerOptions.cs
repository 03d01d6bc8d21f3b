using AgentLightning.Common;

namespace AgentLightning.Engine.ChatServers;

/// <summary>A server that speaks the chat protocol of OpenAI: OpenAI itself, Azure, vLLM, Ollama, llama.cpp and others.</summary>
public sealed record ChatServerOptions
{
    /// <summary>Where <c>/chat/completions</c> lies below: <c>https://api.openai.com/v1</c>, <c>http://127.0.0.1:11434/v1</c>.</summary>
    public required Uri BaseUrl { get; init; }

    /// <summary>The model where a request names none.</summary>
    public required string Model { get; init; }

    /// <summary>Sent as a bearer token; null, the default, for servers that ask for none. In no message and no log.</summary>
    public string? ApiKey { get; init; }

    /// <summary>How long the server may take to answer, and to go on with an answer that is streamed; 100 s by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>
    /// How often a request is sent again after 408, 429, 5xx or a lost connection; 0 to 10, 2 by default. <c>Retry-After</c> is kept to.
    /// </summary>
    public int Retries { get; init; } = 2;

    /// <exception cref="LightningException">What is wrong, all of it at once.</exception>
    public void Validate()
    {
        var errors = new List<string>();
        if (!BaseUrl.IsAbsoluteUri || BaseUrl.Scheme is not ("http" or "https") || BaseUrl.UserInfo.Length > 0)
        {
            errors.Add("the base URL must be an http or https address without a user, such as https://api.openai.com/v1");
        }

        if (string.IsNullOrWhiteSpace(Model))
        {
            errors.Add("a model must be named");
        }

        if (ApiKey is not null && (ApiKey.Length == 0 || ApiKey.Any(letter => letter is <= ' ' or > '~')))
        {
            errors.Add("the API key must be visible ASCII characters");
        }

        if (Timeout <= TimeSpan.Zero || Retries is < 0 or > 10)
        {
            errors.Add($"the timeout must be positive and retries from 0 to 10, but they are {Timeout} and {Retries}");
        }

        if (errors.Count > 0)
        {
            throw LightningException.Invalid($"An OpenAI-compatible server cannot be used like this: {string.Join("; ", errors)}.");
        }
    }

    public override string ToString() => $"{Model} at {BaseUrl}, key {KeyMask.Of(ApiKey) ?? "none"}";
}
