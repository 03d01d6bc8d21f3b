using System.Runtime.InteropServices;

namespace AgentLightning.Storage;

/// <summary>Brings the names in a folder to the disk: a file that was synchronised can still be lost with its name.</summary>
internal static class DiskSync
{
    private const int ReadOnly = 0;

    /// <summary>Where the system cannot do it, as on Windows, which journals names by itself, nothing happens.</summary>
    public static void Folder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = open(path, ReadOnly);
        if (descriptor < 0)
        {
            throw new IOException($"The folder '{path}' cannot be opened to synchronise it (errno {Marshal.GetLastPInvokeError()}).");
        }

        try
        {
            if (fsync(descriptor) != 0)
            {
                throw new IOException($"The folder '{path}' cannot be synchronised (errno {Marshal.GetLastPInvokeError()}).");
            }
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    [DllImport("libc", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fsync(int descriptor);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int descriptor);
}
