namespace AgentLightning.Jobs;

/// <summary>Work that comes again and again, and that one server at a time does, however many share the store.</summary>
public interface IBackgroundJob
{
    /// <summary>Of its lease and of the record of its runs: a short word that never changes, for example <c>retention</c>.</summary>
    string Name { get; }

    /// <summary>From the beginning of one run to the next, over all servers; null when there is nothing to do.</summary>
    TimeSpan? Interval { get; }

    /// <summary>
    /// Whether a run would find anything to do; asked before each, so that an idle store is not written to. True by default.
    /// </summary>
    Task<bool> IsNeededAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    /// <summary>
    /// Runs once. Cancelled it may stop anywhere, and the next run goes on. An exception is noted and logged, and the next run comes at its
    /// time.
    /// </summary>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>How a job went, over all servers.</summary>
/// <param name="CompletedAt">Null while it runs, and when the server that ran it ended in the middle.</param>
/// <param name="Error">Why the last run failed; null when it did not.</param>
public sealed record JobRecord(string Name, DateTimeOffset StartedAt, DateTimeOffset? CompletedAt, string? Error, long Runs);

/// <summary>Keeps how jobs went.</summary>
public interface IJobStore
{
    Task<JobRecord?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Notes the beginning of a run, if the token is that of the job's newest lease and the last run began at least
    /// <paramref name="interval"/> before <paramref name="now"/> or never came to its end; otherwise nothing changes and the answer is
    /// false.
    /// </summary>
    Task<bool> TryStartAsync(
        string name,
        string lease,
        long token,
        TimeSpan interval,
        DateTimeOffset now,
        CancellationToken cancellationToken
    );

    /// <summary>Notes the end of a run, under the same condition of the lease.</summary>
    Task CompleteAsync(string name, string lease, long token, string? failure, DateTimeOffset now, CancellationToken cancellationToken);
}
