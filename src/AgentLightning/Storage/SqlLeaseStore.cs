namespace AgentLightning.Storage;

internal sealed class SqlLeaseStore(SqlDatabase database, TimeProvider time) : ILeaseStore
{
    private const string AcquireSql = """
        INSERT INTO leases (name, owner, token, expires_at) VALUES (@name, @owner, 1, @expires)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, token = leases.token + 1, expires_at = excluded.expires_at
        WHERE leases.expires_at <= @now
        RETURNING token
        """;

    public async Task<Lease?> TryAcquireAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().Rounded();
        var tokens = await database
            .WriteAsync(
                session =>
                    session.QueryAsync(
                        AcquireSql,
                        reader => reader.Integer("token"),
                        cancellationToken,
                        ("@name", name),
                        ("@owner", owner),
                        ("@expires", (now + duration).ToColumn()),
                        ("@now", now.ToColumn())
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return tokens.Count == 0 ? null : new Lease(name, owner, tokens[0], (now + duration).Rounded());
    }

    public async Task<Lease?> TryRenewAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken)
    {
        var expires = (time.GetUtcNow() + duration).Rounded();
        return await SetAsync(lease, expires, cancellationToken).ConfigureAwait(false) ? lease with { ExpiresAt = expires } : null;
    }

    public Task ReleaseAsync(Lease lease, CancellationToken cancellationToken) =>
        SetAsync(lease, DateTimeOffset.UnixEpoch, cancellationToken);

    public Task<Lease?> FindAsync(string name, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.SingleAsync(
                    "SELECT owner, token, expires_at FROM leases WHERE name = @name AND expires_at > @now",
                    reader => new Lease(name, reader.Text("owner"), reader.Integer("token"), reader.Time("expires_at")),
                    cancellationToken,
                    ("@name", name),
                    ("@now", time.GetUtcNow().ToColumn())
                ),
            cancellationToken
        );

    /// <summary>
    /// True when a lease's token is still the newest, which it stays until the transaction ends: for stores that write under a lease.
    /// </summary>
    public static async Task<bool> HoldsAsync(
        SqlDatabase database,
        SqlSession session,
        string name,
        long token,
        CancellationToken cancellationToken
    ) =>
        (
            await session
                .QueryAsync(
                    $"SELECT token FROM leases WHERE name = @name{(database.ManyWriters ? " FOR SHARE" : "")}",
                    reader => reader.Integer("token"),
                    cancellationToken,
                    ("@name", name)
                )
                .ConfigureAwait(false)
        ).Contains(token);

    /// <summary>A lease that ran out and that nobody took since may still be renewed: nobody did anything meanwhile.</summary>
    private Task<bool> SetAsync(Lease lease, DateTimeOffset expires, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
                await session
                    .ExecuteAsync(
                        "UPDATE leases SET expires_at = @expires WHERE name = @name AND token = @token",
                        cancellationToken,
                        ("@expires", expires.ToColumn()),
                        ("@name", lease.Name),
                        ("@token", lease.Token)
                    )
                    .ConfigureAwait(false) == 1,
            cancellationToken
        );
}
