using System.Security.Cryptography;
using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>Artifacts as files in one folder, made when the first is stored.</summary>
internal sealed class FolderArtifactStore(string folder) : IArtifactStore
{
    private const string Prefix = "sha256:";

    public async Task<string> PutAsync(Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var temporary = Path.Combine(folder, $"{Guid.NewGuid():N}.tmp");
        try
        {
            string hash;
            var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite);
            await using (file.ConfigureAwait(false))
            {
                await write(file).ConfigureAwait(false);
                file.Flush(flushToDisk: true);
                file.Position = 0;
                hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken).ConfigureAwait(false));
            }

            // A rename within a folder either happens or does not: nobody ever sees half an artifact.
            File.Move(temporary, PathOf(Prefix + hash), overwrite: true);
            return Prefix + hash;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public async Task<byte[]> ReadAsync(string id, CancellationToken cancellationToken)
    {
        var path = PathOf(id);
        byte[] content;
        try
        {
            content = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LightningException(ErrorKind.Corrupt, $"The artifact {id} is missing: there is no file '{path}'. Restore it from a backup, or train again.", e);
        }

        var seen = Prefix + Convert.ToHexStringLower(SHA256.HashData(content));
        return seen == id
            ? content
            : throw new LightningException(ErrorKind.Corrupt, $"The artifact {id} was changed after it was stored: the hash of '{path}' is {seen}. Restore it from a backup, or train again.");
    }

    private string PathOf(string id)
    {
        var hash = id.StartsWith(Prefix, StringComparison.Ordinal) ? id[Prefix.Length..] : "";
        return hash.Length == 64 && hash.All(char.IsAsciiHexDigitLower)
            ? Path.Combine(folder, hash)
            : throw LightningException.Invalid($"An artifact id is 'sha256:' and 64 hex digits, but this is '{id}'.");
    }
}
