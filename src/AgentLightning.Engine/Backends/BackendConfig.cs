namespace AgentLightning.Engine.Backends;

/// <summary>What <c>config.toml</c> says of the model that answers; null where it says nothing.</summary>
public sealed record BackendConfig
{
    /// <summary>The file that was read.</summary>
    public required string Path { get; init; }

    /// <summary>As written: <c>openai</c>, <c>huggingface</c>, <c>langchain</c>, <c>local</c> or <c>auto</c>.</summary>
    public string? Backend { get; init; }

    /// <summary>What holds for every back end.</summary>
    public BackendConfigSection General { get; init; } = new();

    /// <summary>What holds for one back end, and goes before <see cref="General"/>.</summary>
    public IReadOnlyDictionary<string, BackendConfigSection> Backends { get; init; } = new Dictionary<string, BackendConfigSection>();

    /// <summary>What in the file has no effect, and why; each names its line.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Without keys.</summary>
    public override string ToString() => $"{Path}: {Backend ?? "auto"}";
}

/// <summary>Settings of one table.</summary>
public sealed record BackendConfigSection
{
    public string? Model { get; init; }

    /// <summary>Not in <see cref="ToString"/>.</summary>
    public string? ApiKey { get; init; }

    public string? BaseUrl { get; init; }

    /// <summary>0 to 2.</summary>
    public double? Temperature { get; init; }

    /// <summary>Most tokens of an answer.</summary>
    public int? MaxTokens { get; init; }

    /// <summary><c>none</c>, <c>minimal</c>, <c>low</c>, <c>medium</c> or <c>high</c>.</summary>
    public string? Effort { get; init; }

    /// <summary>Whether a summary of the reasoning is asked for.</summary>
    public bool? Summary { get; init; }

    /// <summary><c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>mps</c>.</summary>
    public string? Device { get; init; }

    /// <summary><c>auto</c>, <c>float32</c>, <c>bfloat16</c> or <c>float16</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Whether weights of 8 or 4 bits are asked for.</summary>
    public bool Quantized { get; init; }

    public override string ToString() => $"{Model}, key {KeyMask.Of(ApiKey) ?? "none"}";
}
