using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Access;

internal sealed class SqlApiKeyStore(SqlDatabase database) : IApiKeyStore
{
    public async Task AddAsync(StoredApiKey key, CancellationToken cancellationToken)
    {
        try
        {
            await database
                .WriteAsync(
                    session =>
                        session.ExecuteAsync(
                            """
                            INSERT INTO api_keys (id, name, role, agents, key_hash, created_at, expires_at, revoked_at, last_used_at)
                            VALUES (@id, @name, @role, @agents, @hash, @created, @expires, @revoked, @used)
                            """,
                            cancellationToken,
                            ("@id", key.Key.Id),
                            ("@name", key.Key.Name),
                            ("@role", EnumText.Of(key.Key.Role)),
                            ("@agents", SqlValues.ToJsonColumn(key.Key.Agents)),
                            ("@hash", Convert.ToHexStringLower(key.Hash)),
                            ("@created", key.Key.CreatedAt.ToColumn()),
                            ("@expires", key.Key.ExpiresAt?.ToColumn()),
                            ("@revoked", key.Key.RevokedAt?.ToColumn()),
                            ("@used", key.Key.LastUsedAt?.ToColumn())
                        ),
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
        catch (DbException e) when (database.IsConstraintViolation(e))
        {
            throw new LightningException(ErrorKind.Conflict, $"There is a key with the id {key.Key.Id} already. Make another one.", e);
        }
    }

    public Task<StoredApiKey?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.LookAsync(
            session =>
                session.SingleAsync(
                    "SELECT * FROM api_keys WHERE id = @id",
                    reader => new StoredApiKey(Read(reader), Convert.FromHexString(reader.Text("key_hash"))),
                    cancellationToken,
                    ("@id", id)
                ),
            cancellationToken
        );

    public Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken) =>
        database.LookAsync<IReadOnlyList<ApiKey>>(
            async session =>
                await session
                    .QueryAsync("SELECT * FROM api_keys ORDER BY created_at DESC, id DESC", Read, cancellationToken)
                    .ConfigureAwait(false),
            cancellationToken
        );

    public Task<bool> AnyAsync(CancellationToken cancellationToken) =>
        database.LookAsync(
            async session =>
                await session
                    .CountAsync("SELECT COUNT(*) FROM (SELECT id FROM api_keys LIMIT 1) AS one", cancellationToken)
                    .ConfigureAwait(false) > 0,
            cancellationToken
        );

    public Task<bool> RevokeAsync(string id, DateTimeOffset at, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
                await session
                    .ExecuteAsync(
                        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, @at) WHERE id = @id",
                        cancellationToken,
                        ("@id", id),
                        ("@at", at.ToColumn())
                    )
                    .ConfigureAwait(false) > 0,
            cancellationToken
        );

    public Task TouchAsync(string id, DateTimeOffset at, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.ExecuteAsync(
                    "UPDATE api_keys SET last_used_at = @at WHERE id = @id AND (last_used_at IS NULL OR last_used_at < @at)",
                    cancellationToken,
                    ("@id", id),
                    ("@at", at.ToColumn())
                ),
            cancellationToken
        );

    private static ApiKey Read(DbDataReader reader) =>
        new(
            reader.Text("id"),
            reader.Text("name"),
            EnumText.Parse<Role>(reader.Text("role"), "role"),
            reader.JsonOrNull<List<string>>("agents"),
            reader.Time("created_at"),
            reader.TimeOrNull("expires_at"),
            reader.TimeOrNull("revoked_at"),
            reader.TimeOrNull("last_used_at")
        );
}
