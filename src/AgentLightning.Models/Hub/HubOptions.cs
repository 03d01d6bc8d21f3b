namespace AgentLightning.Models.Hub;

/// <summary>Where models are pulled from, and how patiently.</summary>
public sealed record HubOptions
{
    /// <summary>The hub; https://huggingface.co by default. Paths below it are as on Hugging Face.</summary>
    public Uri Url { get; init; } = new("https://huggingface.co");

    /// <summary>
    /// Access token for private and gated models; null, the default, for none. It goes to the host of <see cref="Url"/> only, and into no
    /// message.
    /// </summary>
    public string? Token { get; init; }

    /// <summary>
    /// How often a file is asked for again when nothing of it has come; 0 to 100, 5 by default. Whatever comes starts the count again.
    /// </summary>
    public int Retries { get; init; } = 5;

    /// <summary>
    /// Wait before the first repetition, doubled for each further one up to 30 s; 1 s by default. A server's <c>Retry-After</c> goes before
    /// it.
    /// </summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a server may send nothing before the connection counts as lost; 60 s by default.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <exception cref="ArgumentException">A value is out of range; all of them are named at once.</exception>
    public void Validate()
    {
        var errors = new List<string>();
        if (!Url.IsAbsoluteUri || Url.Scheme is not ("http" or "https") || Url.UserInfo.Length > 0)
        {
            errors.Add("the hub must be an http or https address without a user");
        }
        else if (Token is not null && Url.Scheme == "http" && !Url.IsLoopback)
        {
            errors.Add($"a token is not sent over plain http to {Url.Host}; use https");
        }

        if (Token is not null && (Token.Length == 0 || Token.Any(letter => letter is <= ' ' or > '~')))
        {
            errors.Add("the token must be visible ASCII characters");
        }

        if (Retries is < 0 or > 100)
        {
            errors.Add($"retries must be from 0 to 100, but they are {Retries}");
        }

        if (RetryDelay < TimeSpan.Zero || StallTimeout <= TimeSpan.Zero)
        {
            errors.Add($"waits must not be negative and the stall timeout must be positive, but they are {RetryDelay} and {StallTimeout}");
        }

        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join("; ", errors) + ".");
        }
    }

    public override string ToString() => $"{Url} {(Token is null ? "without" : "with")} a token";
}
