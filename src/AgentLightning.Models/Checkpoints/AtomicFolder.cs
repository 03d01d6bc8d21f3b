namespace AgentLightning.Models.Checkpoints;

/// <summary>
/// A folder that is replaced as a whole: written beside its place under <c>.new</c>, then the earlier one becomes <c>.old</c>, the new one
/// takes its place, and the old one goes. Whenever this is cut off, <see cref="Recover"/> finds a whole one: the earlier until the new one
/// is in its place.
/// </summary>
internal static class AtomicFolder
{
    public static async Task WriteAsync(string path, Func<string, Task> write)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        Recover(path);
        var next = path + ".new";
        DeleteIfThere(next);
        Directory.CreateDirectory(next);
        await write(next).ConfigureAwait(false);
        Replace(path, next);
    }

    /// <summary>Puts a folder that is whole into the place of <paramref name="path"/>.</summary>
    public static void Replace(string path, string next)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        Recover(path);
        var old = path + ".old";
        DeleteIfThere(old);
        if (Directory.Exists(path))
        {
            Directory.Move(path, old);
        }

        Directory.Move(next, path);
        DeleteIfThere(old);
    }

    /// <summary>Brings the earlier folder back where a save was cut off between its two renames.</summary>
    public static void Recover(string path)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (!Directory.Exists(path) && Directory.Exists(path + ".old"))
        {
            Directory.Move(path + ".old", path);
        }
    }

    private static void DeleteIfThere(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
