using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>
/// Artifacts as rows of the database, where several servers share it: none of them needs another's disk. The first piece of a content lies
/// in the row of the artifact, and what does not fit there in rows of its own.
/// </summary>
internal sealed class SqlArtifactStore(SqlDatabase database) : IArtifactStore
{
    private const int BytesOfPiece = 1024 * 1024;

    public async Task<string> PutAsync(Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        // The id is known at the end only. A transaction that waited for whoever writes would hold up others.
        var content = new FileStream(
            Path.GetTempFileName(),
            FileMode.Create,
            FileAccess.ReadWrite,
            FileShare.None,
            65_536,
            FileOptions.DeleteOnClose
        );
        await using (content.ConfigureAwait(false))
        {
            using var hashed = new HashedWrite(content);
            await write(hashed).ConfigureAwait(false);
            await content.FlushAsync(cancellationToken).ConfigureAwait(false);
            var id = hashed.Id();
            if (!await IsSoundAsync(id, cancellationToken).ConfigureAwait(false))
            {
                await database
                    .WriteAsync(session => WriteAsync(session, id, content, cancellationToken), cancellationToken)
                    .ConfigureAwait(false);
            }

            return id;
        }
    }

    public async Task<Stream> OpenAsync(string id, CancellationToken cancellationToken)
    {
        ArtifactId.HashOf(id);
        var first = await PieceAsync("SELECT content FROM artifacts WHERE id = @id", id, 0, cancellationToken).ConfigureAwait(false)
            ?? throw ArtifactId.Missing(id, "such row in the table of artifacts");
        return new CheckedRead(
            new PieceStream(first, (part, token) =>
                PieceAsync("SELECT content FROM artifact_parts WHERE artifact_id = @id AND part = @part", id, part, token)
            ),
            id,
            "its rows in the tables of artifacts"
        );
    }

    public Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        ArtifactId.HashOf(id);
        return database.WriteAsync(
            session => session.ExecuteAsync("DELETE FROM artifacts WHERE id = @id", cancellationToken, ("@id", id)),
            cancellationToken
        );
    }

    private Task<byte[]?> PieceAsync(string sql, string id, int part, CancellationToken cancellationToken) =>
        database.LookAsync(
            session => session.SingleAsync(sql, reader => reader.GetFieldValue<byte[]>(0), cancellationToken, ("@id", id), ("@part", part)),
            cancellationToken
        );

    /// <summary>Content that is there is not written again; content that was damaged since is made good.</summary>
    private async Task<bool> IsSoundAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await this.CheckAsync(id, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (LightningException e) when (e.Kind == ErrorKind.Corrupt)
        {
            return false;
        }
    }

    private async Task<int> WriteAsync(SqlSession session, string id, Stream content, CancellationToken cancellationToken)
    {
        // Two who store the same at once do it one after the other.
        await database.SerialiseAsync(session, [$"artifact {id}"], cancellationToken).ConfigureAwait(false);
        await session.ExecuteAsync("DELETE FROM artifacts WHERE id = @id", cancellationToken, ("@id", id)).ConfigureAwait(false);
        content.Position = 0;
        var buffer = new byte[Math.Min(content.Length, BytesOfPiece)];
        for (var part = 0; part == 0 || content.Position < content.Length; part++)
        {
            var count = await content.ReadAtLeastAsync(buffer, buffer.Length, false, cancellationToken).ConfigureAwait(false);
            var sql =
                part == 0
                    ? "INSERT INTO artifacts (id, content) VALUES (@id, @content)"
                    : "INSERT INTO artifact_parts (artifact_id, part, content) VALUES (@id, @part, @content)";
            await session
                .ExecuteAsync(sql, cancellationToken, ("@id", id), ("@part", part), ("@content", buffer[..count]))
                .ConfigureAwait(false);
        }

        return 0;
    }
}
