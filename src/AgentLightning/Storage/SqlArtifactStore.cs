namespace AgentLightning.Storage;

/// <summary>Artifacts as rows of the database, where several servers share it: none of them needs another's disk.</summary>
/// <remarks>An artifact passes through memory whole, at both ends.</remarks>
internal sealed class SqlArtifactStore(SqlDatabase database) : IArtifactStore
{
    public async Task<string> PutAsync(Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        await write(buffer).ConfigureAwait(false);
        var content = buffer.ToArray();
        var id = ArtifactId.Of(content);
        // Content that was damaged since is made good, as by a file that is replaced; sound content is not written again.
        await database
            .WriteAsync(
                session =>
                    session.ExecuteAsync(
                        "INSERT INTO artifacts (id, content) VALUES (@id, @content) ON CONFLICT (id) DO UPDATE SET content = "
                            + "excluded.content WHERE artifacts.content <> excluded.content",
                        cancellationToken,
                        ("@id", id),
                        ("@content", content)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return id;
    }

    public async Task<byte[]> ReadAsync(string id, CancellationToken cancellationToken)
    {
        ArtifactId.HashOf(id);
        var content = await database
            .LookAsync(
                session =>
                    session.SingleAsync(
                        "SELECT content FROM artifacts WHERE id = @id",
                        reader => reader.GetFieldValue<byte[]>(0),
                        cancellationToken,
                        ("@id", id)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return ArtifactId.Verify(
            id,
            content ?? throw ArtifactId.Missing(id, "such row in the table of artifacts"),
            "its row in the table of artifacts"
        );
    }
}
