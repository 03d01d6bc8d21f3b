namespace AgentLightning.Feedback;

/// <summary>Which feedback to list. All parts are optional and hold together.</summary>
/// <param name="Limit">1…1,000.</param>
/// <param name="Before">Where the page before ended (<see cref="Common.ListPage{T}.Next"/>), or the id of feedback: only older follows.
/// Stable while more arrives.</param>
/// <param name="Agents">Only feedback on messages of these agents exists for the query; null for all.</param>
public sealed record FeedbackQuery(
    string? AgentId = null,
    string? EpisodeId = null,
    int Limit = 20,
    string? Before = null,
    IReadOnlyList<string>? Agents = null
);

/// <summary>Current feedback of one UTC day and type.</summary>
/// <param name="Excellent">How many have a reward of <see cref="Common.RewardBands.Excellent"/> or more, on the scale 0…1.</param>
/// <param name="Good">How many are below that and not below <see cref="Common.RewardBands.Good"/>.</param>
public sealed record FeedbackCount(DateOnly Day, string FeedbackType, long Count, double RewardSum, long Excellent, long Good);

/// <summary>Keeps feedback and its history. A call that returned is on disk.</summary>
public interface IFeedbackStore
{
    /// <summary>
    /// Stores feedback. It supersedes the current one of the same episode and user, which stays as history. False when the id is already
    /// there: then nothing changes. An unknown episode is an error.
    /// </summary>
    Task<bool> AddAsync(MessageFeedback feedback, CancellationToken cancellationToken);

    /// <summary>The feedback, current or not, or null.</summary>
    Task<MessageFeedback?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>What counts of what this person said about the episode, or null.</summary>
    /// <param name="userId">Null for people who are not known.</param>
    Task<MessageFeedback?> FindCurrentAsync(string episodeId, string? userId, CancellationToken cancellationToken);

    /// <summary>Feedback with its history, newest first. A <see cref="FeedbackQuery.Before"/> that is the id of none is an error.</summary>
    Task<IReadOnlyList<MessageFeedback>> ListAsync(FeedbackQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Current feedback given from <paramref name="first"/> to <paramref name="last"/>, UTC days, both included; of all agents when
    /// <paramref name="agentId"/> is null.
    /// </summary>
    Task<IReadOnlyList<FeedbackCount>> CountAsync(string? agentId, DateOnly first, DateOnly last, CancellationToken cancellationToken);

    /// <summary>How much current feedback there is, counted by the database.</summary>
    Task<long> CountAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>
    /// Takes the comments out of up to <paramref name="most"/> (1…1,000) pieces of feedback of a user, on whosever messages; what was rated
    /// stays. Returns how many; 0 when there are no more.
    /// </summary>
    /// <param name="agents">Only feedback on messages of these agents exists for it; null for all.</param>
    Task<int> RemoveCommentsAsync(
        string userId,
        string? agentId,
        IReadOnlyList<string>? agents,
        int most,
        CancellationToken cancellationToken
    );

    /// <summary>How many of the messages made in a period of UTC days, both included, have got feedback, whenever it came.</summary>
    Task<long> CountMessagesAsync(string? agentId, DateOnly first, DateOnly last, CancellationToken cancellationToken);
}
