namespace AgentLightning.Episodes;

/// <summary>
/// What an episode is made of, for a caller that has no time to make it: the recorder does when it writes. It is used once and disposed.
/// </summary>
public interface IEpisodeDraft : IDisposable
{
    /// <summary>The agent that the episode will be of.</summary>
    string AgentId { get; }

    /// <summary>What it holds in memory, about.</summary>
    long Bytes { get; }

    /// <summary>The episode. Called on a thread of the recorder; what it throws drops the episode.</summary>
    Episode ToEpisode();
}
