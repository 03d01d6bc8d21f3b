namespace AgentLightning.Models.Ports.Tinker;

/// <summary>Which server trains, and what.</summary>
public sealed record TinkerOptions
{
    /// <summary>The environment variable that holds the key where none is given.</summary>
    public const string KeyVariable = "TINKER_API_KEY";

    /// <summary>Address of the server, such as <c>http://127.0.0.1:4748</c>; what is before <c>/api/v1</c>.</summary>
    public required Uri Url { get; init; }

    /// <summary>The key; null for none. It goes to this server only, and into no message.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The model to begin with, as the server names it; null, the default, is the only one that the server has.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The adapter to be trained; null trains all weights, which few servers do.</summary>
    public LoraConfig? Lora { get; init; } = new(32);

    /// <summary>
    /// Longest time for an answer to a request, above 0; 60 seconds by default. A result may take longer: it is asked for again.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How often a request is repeated that did not reach the server, or that it had no time for, 0 or more; 8 by default. The time between
    /// grows from 0.5 to 30 seconds.
    /// </summary>
    public int Retries { get; init; } = 8;

    /// <summary>
    /// Most tokens of sequences in one request, at least 1; 65,536 by default. What is more goes in several, to the same effect.
    /// </summary>
    public int TokensPerRequest { get; init; } = 65_536;

    /// <summary>Requests for samples under way at once, at least 1; 64 by default.</summary>
    public int SamplesAtOnce { get; init; } = 64;

    /// <summary>Time between signs of life, above 0; 10 seconds by default.</summary>
    public TimeSpan HeartbeatEvery { get; init; } = TimeSpan.FromSeconds(10);

    // A record would write the key out.
    private bool PrintMembers(System.Text.StringBuilder text)
    {
        text.Append(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{nameof(Url)} = {Url}, {nameof(BaseModel)} = {BaseModel}, {nameof(Lora)} = {Lora}"
        );
        return true;
    }
}
