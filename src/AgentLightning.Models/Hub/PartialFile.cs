using System.Text.Json;

namespace AgentLightning.Models.Hub;

/// <summary>A download that is not finished: <c>NAME.part</c>, and beside it, in <c>NAME.part.json</c>, what it is a part of.</summary>
internal sealed class PartialFile(string folder, string name)
{
    private readonly string _notePath = System.IO.Path.Combine(folder, name + ".part.json");

    public string Path { get; } = System.IO.Path.Combine(folder, name + ".part");

    public long Length => new FileInfo(Path) is { Exists: true } file ? file.Length : 0;

    /// <summary>
    /// The tag that the server gave with the first bytes, to ask for the rest of the same content; null where there was none.
    /// </summary>
    public string? ETag { get; private set; }

    /// <summary>Goes on with what an earlier pull of the same content left; drops anything else.</summary>
    /// <param name="content">What the content is known by: the commit, and the size and hash where they are known.</param>
    public void Open(string content)
    {
        Note? note = null;
        try
        {
            note = File.Exists(_notePath) && File.Exists(Path) ? JsonSerializer.Deserialize<Note>(File.ReadAllBytes(_notePath)) : null;
        }
        catch (JsonException)
        {
            // Cut off while it was written: the part is not known to be anything.
        }

        if (note?.Content == content)
        {
            ETag = note.ETag;
        }
        else
        {
            Drop();
        }
    }

    /// <summary>Says what the bytes that follow are a part of. Called before the first of them.</summary>
    public void Begin(string content, string? etag)
    {
        Drop();
        ETag = etag;
        File.WriteAllBytes(_notePath, JsonSerializer.SerializeToUtf8Bytes(new Note(content, etag)));
    }

    /// <summary>Without a buffer: what a killed process has received is on disk.</summary>
    public FileStream Append() => new(Path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true);

    public void Drop()
    {
        File.Delete(Path);
        File.Delete(_notePath);
        ETag = null;
    }

    /// <summary>The whole content is here and right: it gets its name.</summary>
    public void Finish(string path)
    {
        File.Move(Path, path, overwrite: true);
        File.Delete(_notePath);
    }

    private sealed record Note(string Content, string? ETag);
}
