namespace AgentLightning.Server;

/// <summary>How the server is reached and what it serves.</summary>
public sealed record LightningServerOptions
{
    /// <summary>Where it listens unless told otherwise.</summary>
    public const string DefaultUrl = "http://127.0.0.1:4747";

    /// <summary>Addresses to listen on. Only loopback addresses: there is no access control yet.</summary>
    public string Urls { get; init; } = DefaultUrl;

    public LightningOptions Lightning { get; init; } = new();
}
