using AgentLightning.Common;

namespace AgentLightning.Server.Gateway;

/// <summary>Which model servers the gateway reaches, for which agents, and what it does when they fail.</summary>
public sealed record GatewayOptions
{
    /// <summary>Model servers by a name of the operator's; none by default, and then the gateway answers 404 to every model.</summary>
    public IReadOnlyDictionary<string, UpstreamOptions> Upstreams { get; init; } = new Dictionary<string, UpstreamOptions>();

    /// <summary>Agents that are asked as the model <c>agent:ID</c>.</summary>
    public IReadOnlyDictionary<string, GatewayAgentOptions> Agents { get; init; } = new Dictionary<string, GatewayAgentOptions>();

    /// <summary>The upstream of models that none lists; null for none. The only upstream is it without being named.</summary>
    public string? DefaultUpstream { get; init; }

    /// <summary>Whether calls become episodes; true by default.</summary>
    public bool Capture { get; init; } = true;

    /// <summary>
    /// Bytes of calls under way that are kept for capture, 1 MiB…16 GiB; 64 MiB by default. What has no room is not captured.
    /// </summary>
    public long CaptureBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Attempts at one call, the first included, 1…10; 3 by default.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Attempts beyond the first, in percent of the calls, 0…100; 20 by default. Ten more are free at the start.</summary>
    public int RetryPercent { get; init; } = 20;

    /// <summary>Longest wait before another attempt, which a longer Retry-After ends, 0…60 s; 5 s by default.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a stream's first events are held back while nothing of the answer is in them, so that an error that follows is still
    /// answered with its status, 0…60 s; 1 s by default.
    /// </summary>
    public TimeSpan HoldBack { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Attempts that fail, in percent of at least ten within 10 s, after which an upstream is left alone for 5 s, 1…100; 50 by default.
    /// </summary>
    public int BreakPercent { get; init; } = 50;

    /// <summary>
    /// What calls of one key may cost in a calendar month (UTC), in the currency of the prices, 0…1e9; 0, the default, for no limit.
    /// </summary>
    public double MonthlySpend { get; init; }

    /// <summary>What is wrong beside the ranges of numbers.</summary>
    internal IEnumerable<string> Mistakes(Func<string, string?> environment)
    {
        foreach (var mistake in Upstreams.SelectMany(upstream => upstream.Value.Mistakes(upstream.Key, environment)))
        {
            yield return mistake;
        }

        if (DefaultUpstream is { } name && !Upstreams.ContainsKey(name))
        {
            yield return $"gateway.default_upstream must be a name under gateway.upstreams, but it is '{name}'."
                + (Upstreams.Count == 0 ? " There is none yet." : NearNames.Hint(name, Upstreams.Keys));
        }

        foreach (var (agent, options) in Agents)
        {
            if (agent.Length is 0 or > 200 || agent.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
            {
                yield return $"gateway.agents.{agent} must be the id of an agent: 1 to 200 characters without blanks.";
            }

            if (options.BaseModel.Length == 0)
            {
                yield return $"gateway.agents.{agent}.base_model is missing: the name of a model at an upstream, or local:FOLDER.";
            }
            else if (options.LocalFolder is null && !options.BaseModel.StartsWith(ModelNames.AgentPrefix, StringComparison.Ordinal))
            {
                continue;
            }
            else if (options.LocalFolder is null)
            {
                yield return $"gateway.agents.{agent}.base_model must be a model and no agent, but it is '{options.BaseModel}'.";
            }
            else if (!Directory.Exists(options.LocalFolder))
            {
                yield return $"gateway.agents.{agent}.base_model must name a folder with a model, but there is no '{options.LocalFolder}'.";
            }
        }
    }
}

/// <summary>What is known of an agent that is asked by the name <c>agent:ID</c>.</summary>
public sealed record GatewayAgentOptions
{
    private const string Local = "local:";

    /// <summary>
    /// Who answers without a release: the name of a model at an upstream, or <c>local:FOLDER</c> for one in this process.
    /// </summary>
    public string BaseModel { get; init; } = "";

    /// <summary>The folder of a model in this process; null for one at an upstream.</summary>
    internal string? LocalFolder => BaseModel.StartsWith(Local, StringComparison.Ordinal) ? BaseModel[Local.Length..] : null;
}
