namespace AgentLightning.Client;

/// <summary>A reward for an episode, as it is sent.</summary>
/// <param name="EpisodeId">The episode.</param>
/// <param name="Reward">−1 (as bad as can be) … 1 (as good as can be); null when <paramref name="RawValue"/> is given.</param>
/// <param name="Source">eval_score, human_approval (when null), safety_check, test_result, cost_penalty, latency_penalty or
/// golden_conversation.</param>
/// <param name="Rubric">What was judged.</param>
/// <param name="Evaluator">Which reviewer or evaluator of the source; a later reward of the same supersedes.</param>
/// <param name="Feedback">A comment.</param>
/// <param name="Correction">The right answer, if known.</param>
/// <param name="RewardId">An id that makes it one reward however often it is sent; one is made when null.</param>
/// <param name="RawValue">The value on <paramref name="Scale"/>, in place of <paramref name="Reward"/>: the server normalises it, and keeps
/// it as it was given.</param>
/// <param name="Scale">The least and the greatest value of a scale of one's own, such as <c>0..1</c>.</param>
public sealed record CapturedReward(
    string EpisodeId,
    double? Reward,
    string? Source = null,
    string? Rubric = null,
    string? Evaluator = null,
    string? Feedback = null,
    string? Correction = null,
    string? RewardId = null,
    double? RawValue = null,
    string? Scale = null
);

/// <summary>What became of records since the client was made.</summary>
/// <param name="Captured">Records that were taken into the queue.</param>
/// <param name="Sent">Records that the server has, those that it had before included.</param>
/// <param name="Dropped">Records that were lost, for whatever reason.</param>
/// <param name="Spooled">Records that were written to disk because the server was away.</param>
/// <param name="Retried">Requests that were sent again.</param>
/// <param name="Queued">Records that wait in memory.</param>
/// <param name="SpoolBytes">Bytes that wait on disk.</param>
/// <param name="SpoolDamaged">Segments of the disk whose rest could not be read and was skipped.</param>
/// <param name="DroppedBy">Lost records by reason: queue_full, unwritable, refused, spool_full, closed.</param>
public sealed record LightningStatistics(
    long Captured,
    long Sent,
    long Dropped,
    long Spooled,
    long Retried,
    long Queued,
    long SpoolBytes,
    long SpoolDamaged,
    IReadOnlyDictionary<string, long> DroppedBy
);
