using AgentLightning.Common;

namespace AgentLightning.Capture;

/// <summary>What became of an episode that was sent.</summary>
/// <param name="Duplicate">The id was there already: what was stored first stays, whatever was sent now.</param>
public sealed record CapturedEpisode(string EpisodeId, string AgentId, DateTimeOffset CreatedAt, bool Duplicate);

/// <summary>A line of a batch that was not taken.</summary>
/// <param name="Line">Counted from 1.</param>
/// <param name="Id">The id that the line gave, where it could be read.</param>
/// <param name="Kind">Not found where a reward's episode is not there: it may come, and then the line can be sent again.</param>
public sealed record RejectedLine(int Line, string? Id, string Error, ErrorKind Kind = ErrorKind.Invalid);

/// <summary>What became of a batch. What is accepted or a duplicate is on disk.</summary>
/// <param name="Accepted">Records that are new.</param>
/// <param name="Duplicates">Records whose id was there already; the first stays.</param>
public sealed record CaptureOutcome(int Accepted, int Duplicates, IReadOnlyList<RejectedLine> Rejected);
