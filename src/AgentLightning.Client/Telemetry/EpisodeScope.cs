using AgentLightning.Client.Delivery;

namespace AgentLightning.Client.Telemetry;

/// <summary>The episode that is being captured where the caller is, and the rewards that it got before it ended.</summary>
/// <param name="coversCalls">Whether calls of models inside belong to the episode.</param>
internal sealed class EpisodeScope(string episodeId, LightningClient client, bool coversCalls)
{
    private static readonly AsyncLocal<EpisodeScope?> s_current = new();
    private readonly object _gate = new();
    private List<CapturedReward>? _rewards;
    private bool _closed;

    public static EpisodeScope? Current
    {
        get => s_current.Value;
        set => s_current.Value = value;
    }

    public string EpisodeId => episodeId;

    public LightningClient Client => client;

    public bool CoversCalls => coversCalls;

    /// <summary>What answers in it.</summary>
    public SelectedRelease Release { get; set; } = SelectedRelease.Base;

    /// <summary>Keeps a reward until the episode ends, for it must not arrive first. False when the episode has ended.</summary>
    public bool TryAdd(CapturedReward reward)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                (_rewards ??= []).Add(reward);
            }

            return !_closed;
        }
    }

    /// <summary>The episode has ended; gives its rewards.</summary>
    public IReadOnlyList<CapturedReward> Close()
    {
        lock (_gate)
        {
            _closed = true;
            return _rewards ?? (IReadOnlyList<CapturedReward>)[];
        }
    }
}
