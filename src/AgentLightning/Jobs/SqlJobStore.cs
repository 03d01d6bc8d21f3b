using AgentLightning.Storage;

namespace AgentLightning.Jobs;

internal sealed class SqlJobStore(SqlDatabase database) : IJobStore
{
    public Task<JobRecord?> FindAsync(string name, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.SingleAsync(
                    "SELECT started_at, completed_at, error, runs FROM jobs WHERE name = @name",
                    reader => new JobRecord(
                        name,
                        reader.Time("started_at"),
                        reader.TimeOrNull("completed_at"),
                        reader.TextOrNull("error"),
                        reader.Integer("runs")
                    ),
                    cancellationToken,
                    ("@name", name)
                ),
            cancellationToken
        );

    public Task<bool> TryStartAsync(
        string name,
        string lease,
        long token,
        TimeSpan interval,
        DateTimeOffset now,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            async session =>
                await SqlLeaseStore.HoldsAsync(database, session, lease, token, cancellationToken).ConfigureAwait(false)
                && await session
                    .ExecuteAsync(
                        """
                        INSERT INTO jobs (name, started_at, runs) VALUES (@name, @now, 1)
                        ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, completed_at = NULL, error = NULL,
                            runs = jobs.runs + 1
                        WHERE jobs.started_at <= @latest OR jobs.completed_at IS NULL
                        """,
                        cancellationToken,
                        ("@name", name),
                        ("@now", now.ToColumn()),
                        ("@latest", (now - interval).ToColumn())
                    )
                    .ConfigureAwait(false) == 1,
            cancellationToken
        );

    public Task CompleteAsync(
        string name,
        string lease,
        long token,
        string? failure,
        DateTimeOffset now,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            async session =>
                await SqlLeaseStore.HoldsAsync(database, session, lease, token, cancellationToken).ConfigureAwait(false)
                && await session
                    .ExecuteAsync(
                        "UPDATE jobs SET completed_at = @now, error = @error WHERE name = @name",
                        cancellationToken,
                        ("@name", name),
                        ("@now", now.ToColumn()),
                        ("@error", failure)
                    )
                    .ConfigureAwait(false) == 1,
            cancellationToken
        );
}
