using AgentLightning.Deployments;

namespace AgentLightning.Experiments;

/// <summary>Everything that may answer in a slot of an agent, made once for all its requests.</summary>
internal sealed class ServedSlot(
    ServedRelease active,
    string? experimentId = null,
    int phase = 0,
    ServedRelease[]? variants = null,
    double[]? shares = null
)
{
    private readonly long _mark = experimentId is null ? 0 : SessionHash.Choose(experimentId, $"phase {phase}", [1]).Session | 1;
    private volatile bool _stale;

    /// <summary>What answers where no experiment decides.</summary>
    public ServedRelease Active { get; } = active;

    /// <summary>True from when something changed: whoever comes next reads it anew.</summary>
    public bool Stale
    {
        get => _stale;
        set => _stale = value;
    }

    /// <summary>What answers in a session. Allocates nothing.</summary>
    public ServedRelease Choose(string? sessionId, Exposures exposures)
    {
        if (variants is null || sessionId is null)
        {
            return Active;
        }

        var (variant, session) = SessionHash.Choose(experimentId!, sessionId, shares);
        exposures.Note(experimentId!, phase, _mark, session, variants[variant].Variant!);
        return variants[variant];
    }
}
