using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>
/// Keeps the content of data sets and models, addressed by its own SHA-256 (<c>sha256:</c> and 64 hex digits): what is read is what was
/// written, or an error.
/// </summary>
public interface IArtifactStore
{
    /// <summary>
    /// Stores what <paramref name="write"/> writes and returns its id. It is on disk, whole, or not there at all. The same content twice is
    /// one artifact.
    /// </summary>
    Task<string> PutAsync(Func<Stream, Task> write, CancellationToken cancellationToken);

    /// <summary>
    /// The content, checked against its id. <see cref="ErrorKind.Corrupt"/> when it is missing or its hash is wrong: ids come from records
    /// of ours.
    /// </summary>
    Task<byte[]> ReadAsync(string id, CancellationToken cancellationToken);
}
