namespace AgentLightning.Storage;

/// <summary>
/// Space on the disk of a store that is kept back in a file beside it, so that records can be deleted when the disk is full: a deletion
/// writes too. A server keeps it; it is let go by the first deletion that finds no space, and taken back when there is enough.
/// </summary>
internal sealed class SqliteReserve(string store)
{
    /// <summary>As much as the log grows to before its pages go into the file.</summary>
    private const long Bytes = 16 * 1024 * 1024;

    private readonly string _path = PathOf(store);

    public static string PathOf(string store) => $"{store}-reserve";

    /// <summary>Keeps it, where it is not there and takes at most a quarter of what is free.</summary>
    public void Keep()
    {
        if (File.Exists(_path))
        {
            return;
        }

        try
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(_path))!;
            if (new DriveInfo(folder).AvailableFreeSpace >= 4 * Bytes)
            {
                File.OpenHandle(_path, FileMode.CreateNew, FileAccess.Write, preallocationSize: Bytes).Dispose();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Without it the store works as well, until its disk is full.
        }
    }

    /// <summary>Gives the space to the disk; false when there was none.</summary>
    public bool Release()
    {
        if (!File.Exists(_path))
        {
            return false;
        }

        try
        {
            File.Delete(_path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
