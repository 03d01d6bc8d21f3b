namespace AgentLightning.Storage;

/// <summary>Artifacts as files in one folder, made when the first is stored.</summary>
/// <param name="synchronise">Brings the names of a folder to the disk.</param>
internal sealed class FolderArtifactStore(string folder, Action<string> synchronise) : IArtifactStore
{
    public FolderArtifactStore(string folder)
        : this(folder, DiskSync.Folder) { }

    public async Task<string> PutAsync(Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        Make();
        var temporary = Path.Combine(folder, $"{Guid.NewGuid():N}.tmp");
        try
        {
            string id;
            var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write);
            await using (file.ConfigureAwait(false))
            {
                using var hashed = new HashedWrite(file);
                await write(hashed).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                file.Flush(flushToDisk: true);
                id = hashed.Id();
            }

            // A rename within a folder either happens or does not: nobody ever sees half an artifact.
            File.Move(temporary, PathOf(id), overwrite: true);
            synchronise(folder);
            return id;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public Task<Stream> OpenAsync(string id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = PathOf(id);
        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 65_536, useAsync: true);
            return Task.FromResult<Stream>(new CheckedRead(file, id, $"'{path}'"));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw ArtifactId.Missing(id, $"file '{path}'", e);
        }
    }

    public Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Directory.Exists(folder))
        {
            File.Delete(PathOf(id));
        }

        return Task.CompletedTask;
    }

    /// <summary>The folder, and its name in the one above it.</summary>
    private void Make()
    {
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            synchronise(Path.GetDirectoryName(Path.GetFullPath(folder)) ?? folder);
        }
    }

    private string PathOf(string id) => Path.Combine(folder, ArtifactId.HashOf(id));
}
