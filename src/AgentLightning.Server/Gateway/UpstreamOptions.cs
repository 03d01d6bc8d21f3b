namespace AgentLightning.Server.Gateway;

/// <summary>A server that speaks OpenAI's protocol.</summary>
public sealed record UpstreamOptions
{
    /// <summary>Its address up to the routes, such as <c>https://api.openai.com/v1</c>.</summary>
    public string Url { get; init; } = "";

    /// <summary>The environment variable that holds its key; null for none.</summary>
    public string? KeyVariable { get; init; }

    /// <summary>The file that holds its key; null for none.</summary>
    public string? KeyFile { get; init; }

    /// <summary>
    /// The header of the key: in <c>authorization</c>, the default, it is a bearer's, in another, such as <c>api-key</c>, bare.
    /// </summary>
    public string KeyHeader { get; init; } = "authorization";

    /// <summary>
    /// The models it serves, as they are asked for; with a star for the rest of a name, and <c>ASKED=THEIRS</c> where it has another name
    /// for one.
    /// </summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Headers that are sent with each request.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Of several that serve a model, the lowest is asked first, 0…1000; 100 by default.</summary>
    public int Priority { get; init; } = 100;

    /// <summary>How long a connection may take, 1…300 s; 5 s by default.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the first byte of an answer may take, 1…86,400 s; 600 s by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>How long an answer that has begun may pause, 1…86,400 s; 120 s by default.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Of a million tokens that are read, in a currency of the operator's, 0…1e6; 0 by default.</summary>
    public double InputPrice { get; init; }

    /// <summary>Of a million tokens that are written.</summary>
    public double OutputPrice { get; init; }

    /// <summary>Whether token ids are asked for (vLLM's <c>return_token_ids</c>), for capture alone; false by default.</summary>
    public bool TokenIds { get; init; }

    /// <summary>Whether streams are asked for their usage where the caller does not, for capture alone; true by default.</summary>
    public bool StreamUsage { get; init; } = true;

    /// <summary>The key, without blanks around it; null where the upstream takes none.</summary>
    internal string? ReadKey(Func<string, string?> environment) =>
        KeyVariable is { } variable ? environment(variable)?.Trim()
        : KeyFile is { } file ? File.ReadAllText(file).Trim()
        : null;

    internal IEnumerable<string> Mistakes(string name, Func<string, string?> environment)
    {
        var key = $"gateway.upstreams.{name}";
        if (!Uri.TryCreate(Url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0)
        {
            yield return $"{key}.url must be an http or https address without a user, such as https://api.openai.com/v1, but it is "
                + (Url.Contains('@', StringComparison.Ordinal) ? "something else." : $"'{Url}'.");
        }

        if (KeyVariable is not null && KeyFile is not null)
        {
            yield return $"{key} names both key_variable and key_file. Keep one.";
        }

        if (KeyProblem(environment) is { } problem)
        {
            yield return $"{key}.{problem}";
        }

        foreach (var header in Headers.Keys.Append(KeyHeader).Where(header => !IsHeader(header)))
        {
            yield return $"{key} names a header '{header}', which is none: letters, digits and dashes, and not one of the connection.";
        }

        foreach (
            var model in Models.Where(model => model.IndexOf('*', StringComparison.Ordinal) is >= 0 and var at && at < model.Length - 1)
        )
        {
            yield return $"{key}.models may hold a star only at the end of a name, but it holds '{model}'.";
        }
    }

    private string? KeyProblem(Func<string, string?> environment)
    {
        if (KeyVariable is not null)
        {
            return string.IsNullOrWhiteSpace(environment(KeyVariable))
                ? $"key_variable names the variable {KeyVariable}, which is not set. Set it to the key of the upstream."
                : null;
        }

        try
        {
            return KeyFile is null || ReadKey(environment)!.Length > 0 ? null : $"key_file names '{KeyFile}', which is empty.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return $"key_file names '{KeyFile}', which cannot be read: {e.Message}";
        }
    }

    private static bool IsHeader(string name) =>
        name.Length > 0
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
        && name.ToLowerInvariant() is not ("host" or "content-length" or "content-type" or "transfer-encoding" or "connection");
}
