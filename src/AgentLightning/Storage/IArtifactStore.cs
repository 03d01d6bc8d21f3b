using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>
/// Keeps the content of data sets and models, addressed by its own SHA-256 (<c>sha256:</c> and 64 hex digits): what is read is what was
/// written, or an error. Content of any size passes through little memory.
/// </summary>
public interface IArtifactStore
{
    /// <summary>
    /// Stores what <paramref name="write"/> writes, from beginning to end, and returns its id. It is on disk, whole, or not there at all.
    /// The same content twice is one artifact.
    /// </summary>
    Task<string> PutAsync(Func<Stream, Task> write, CancellationToken cancellationToken);

    /// <summary>
    /// The content, to be read once from beginning to end. It is checked against its id on the way: the read that comes to the end of
    /// content that was changed is <see cref="ErrorKind.Corrupt"/>, so nothing is to be believed before. A missing one is that at once: ids
    /// come from records of ours.
    /// </summary>
    Task<Stream> OpenAsync(string id, CancellationToken cancellationToken);

    /// <summary>
    /// Removes content that nothing names any more; nothing happens where there is none. Content is named by what it is, so this is for
    /// content that cannot be that of another record as well: the checkpoint of a run, which holds the id of the run.
    /// </summary>
    Task RemoveAsync(string id, CancellationToken cancellationToken);
}

/// <summary>What is done with artifacts as a whole.</summary>
public static class Artifacts
{
    /// <summary>Stores the rest of a stream.</summary>
    public static Task<string> PutAsync(this IArtifactStore artifacts, Stream content, CancellationToken cancellationToken) =>
        artifacts.PutAsync(target => content.CopyToAsync(target, cancellationToken), cancellationToken);

    /// <summary>Content that is needed in memory as a whole, checked.</summary>
    public static async Task<byte[]> ReadAllAsync(this IArtifactStore artifacts, string id, CancellationToken cancellationToken)
    {
        using var whole = new MemoryStream();
        var content = await artifacts.OpenAsync(id, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            await content.CopyToAsync(whole, cancellationToken).ConfigureAwait(false);
        }

        return whole.ToArray();
    }

    /// <summary>Completes when the content is there and as it was stored; otherwise it is <see cref="ErrorKind.Corrupt"/>.</summary>
    public static async Task CheckAsync(this IArtifactStore artifacts, string id, CancellationToken cancellationToken)
    {
        var content = await artifacts.OpenAsync(id, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            await content.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
        }
    }
}
