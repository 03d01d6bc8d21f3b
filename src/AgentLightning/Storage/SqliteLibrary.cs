using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace AgentLightning.Storage;

/// <summary>
/// Chooses the native SQLite once per process: the system's where there is one, which gets security updates, else the one in the package.
/// </summary>
internal static class SqliteLibrary
{
    private static readonly Lazy<bool> s_loaded = new(() =>
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return true;
    });

    public static void Load() => _ = s_loaded.Value;

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        string[] systemNames =
            OperatingSystem.IsLinux() ? ["libsqlite3.so.0"]
            : OperatingSystem.IsMacOS() ? ["libsqlite3.dylib"]
            : [];
        if (name == "e_sqlite3")
        {
            foreach (var candidate in systemNames)
            {
                if (NativeLibrary.TryLoad(candidate, out var handle))
                {
                    // The bundled library is 3.35.5; an older one lacks what the statements use (RETURNING).
                    if (VersionOf(handle) >= 3_035_005)
                    {
                        return handle;
                    }

                    NativeLibrary.Free(handle);
                }
            }
        }

        return 0;
    }

    private static unsafe int VersionOf(nint handle) =>
        NativeLibrary.TryGetExport(handle, "sqlite3_libversion_number", out var address) ? ((delegate* unmanaged<int>)address)() : 0;
}
