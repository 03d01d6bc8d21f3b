using System.Security.Cryptography;

namespace AgentLightning.Storage;

/// <summary>Artifacts as files in one folder, made when the first is stored.</summary>
internal sealed class FolderArtifactStore(string folder) : IArtifactStore
{
    public async Task<string> PutAsync(Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var temporary = Path.Combine(folder, $"{Guid.NewGuid():N}.tmp");
        try
        {
            string id;
            var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite);
            await using (file.ConfigureAwait(false))
            {
                await write(file).ConfigureAwait(false);
                file.Flush(flushToDisk: true);
                file.Position = 0;
                id = ArtifactId.OfHash(await SHA256.HashDataAsync(file, cancellationToken).ConfigureAwait(false));
            }

            // A rename within a folder either happens or does not: nobody ever sees half an artifact.
            File.Move(temporary, PathOf(id), overwrite: true);
            return id;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public async Task<byte[]> ReadAsync(string id, CancellationToken cancellationToken)
    {
        var path = PathOf(id);
        try
        {
            return ArtifactId.Verify(id, await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), $"'{path}'");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw ArtifactId.Missing(id, $"file '{path}'", e);
        }
    }

    private string PathOf(string id) => Path.Combine(folder, ArtifactId.HashOf(id));
}
