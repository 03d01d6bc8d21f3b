using AgentLightning.Common;

namespace AgentLightning.Server.Gateway;

/// <summary>An upstream and what it calls the model that was asked for.</summary>
internal readonly record struct UpstreamModel(Upstream Upstream, string Model);

/// <summary>Which upstreams serve a name of a model. Immutable; any thread may ask.</summary>
internal sealed class ModelNames
{
    /// <summary>What a model's name begins with that is an agent's id.</summary>
    public const string AgentPrefix = "agent:";

    private readonly Dictionary<string, UpstreamModel[]> _exact;
    private readonly (string Prefix, UpstreamModel Serves)[] _patterns;
    private readonly Upstream? _default;

    public ModelNames(IReadOnlyList<Upstream> upstreams, string? defaultUpstream)
    {
        var listed = upstreams
            .SelectMany(upstream => upstream.Options.Models.Select(model => (Names: Split(model), Upstream: upstream)))
            .OrderBy(one => one.Upstream.Options.Priority)
            .ToList();
        _exact = listed
            .Where(one => !one.Names.Asked.EndsWith('*'))
            .GroupBy(one => one.Names.Asked, one => new UpstreamModel(one.Upstream, one.Names.Theirs))
            .ToDictionary(group => group.Key, group => group.ToArray(), StringComparer.Ordinal);
        _patterns =
        [
            .. listed
                .Where(one => one.Names.Asked.EndsWith('*'))
                .Select(one => (Prefix: one.Names.Asked[..^1], new UpstreamModel(one.Upstream, one.Names.Theirs)))
                .OrderByDescending(one => one.Prefix.Length),
        ];
        _default = upstreams.FirstOrDefault(upstream => upstream.Name == defaultUpstream) ?? (upstreams.Count == 1 ? upstreams[0] : null);
    }

    /// <summary>Names that are listed, without patterns.</summary>
    public IEnumerable<string> Listed => _exact.Keys;

    /// <summary>Those that serve the model, the one to ask first first; empty when none does.</summary>
    public UpstreamModel[] Serving(string model)
    {
        if (_exact.TryGetValue(model, out var exact))
        {
            return exact;
        }

        var matching = Array.FindAll(_patterns, pattern => model.StartsWith(pattern.Prefix, StringComparison.Ordinal));
        if (matching.Length > 0)
        {
            // The nearest pattern, at all upstreams that have it.
            return [.. matching.Where(one => one.Prefix.Length == matching[0].Prefix.Length).Select(one => Named(one.Serves, model))];
        }

        return _default is null ? [] : [new UpstreamModel(_default, model)];
    }

    /// <summary>" Did you mean …?" for a name that nobody serves.</summary>
    public string Hint(string model, IEnumerable<string> agents) =>
        NearNames.Hint(model, Listed.Concat(agents.Select(agent => AgentPrefix + agent)));

    private static UpstreamModel Named(UpstreamModel serves, string model) =>
        serves.Model.EndsWith('*') ? serves with { Model = model } : serves;

    private static (string Asked, string Theirs) Split(string model) =>
        model.IndexOf('=', StringComparison.Ordinal) is > 0 and var at ? (model[..at].Trim(), model[(at + 1)..].Trim()) : (model, model);
}
