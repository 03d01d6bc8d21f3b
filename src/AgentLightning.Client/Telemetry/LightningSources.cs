namespace AgentLightning.Client.Telemetry;

/// <summary>The sources of GenAI spans that .NET libraries have, and the switches that turn them and their contents on.</summary>
internal static class LightningSources
{
    /// <summary>Microsoft.Extensions.AI, Microsoft Agent Framework, Semantic Kernel, the OpenAI library, Azure's libraries.</summary>
    public static readonly string[] Known =
    [
        "Experimental.Microsoft.Extensions.AI*",
        "Experimental.Microsoft.Agents.AI*",
        "Microsoft.SemanticKernel*",
        "OpenAI.*",
        "Azure.AI.*",
    ];

    private static readonly string[] s_switches =
    [
        "Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnostics",
        "OpenAI.Experimental.EnableOpenTelemetry",
        "Azure.Experimental.EnableActivitySource",
    ];

    private const string ContentSwitch = "Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive";

    private static readonly string[] s_contentVariables =
    [
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        "AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED",
    ];

    private static string[] s_all = [LightningEmitter.SourceName, .. Known];

    /// <summary>Sources that some client may want; the listeners of all clients see these.</summary>
    public static bool MayBeWanted(string name) => Array.Exists(s_all, source => Matches(source, name));

    public static bool Matches(string pattern, string name) =>
        pattern.EndsWith('*') ? name.AsSpan().StartsWith(pattern.AsSpan(..^1), StringComparison.Ordinal) : name == pattern;

    /// <summary>Sources of the application's own.</summary>
    public static void Add(IEnumerable<string> sources) => s_all = [.. s_all.Union(sources)];

    /// <summary>
    /// Turns the sources on, and their contents where asked. Libraries read these once, when they are first used; what the application set
    /// itself stays.
    /// </summary>
    public static void Switch(bool content)
    {
        foreach (var name in content ? [.. s_switches, ContentSwitch] : s_switches)
        {
            if (!AppContext.TryGetSwitch(name, out _))
            {
                AppContext.SetSwitch(name, true);
            }
        }

        foreach (var name in content ? s_contentVariables : [])
        {
            if (Environment.GetEnvironmentVariable(name) is null)
            {
                Environment.SetEnvironmentVariable(name, "true");
            }
        }
    }
}
