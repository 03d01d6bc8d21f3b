using System.Runtime.InteropServices;
using AgentLightning.Common;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AgentLightning.Storage;

/// <summary>The file of a store: how its writer is opened, and whether it is still there.</summary>
internal sealed class SqliteFile(string path, string connectionString)
{
    /// <summary>Of a file that is made now. Of the default, half, each span of 2 kB would take a page to itself.</summary>
    private const int BytesOfPage = 8_192;

    /// <summary>16 MB. A page that many transactions change, as those of an index, goes into the file once for all of them.</summary>
    private const int PagesOfCheckpoint = 2_000;

    /// <summary>Of the writer alone.</summary>
    private const int KilobytesOfCache = 32_768;

    /// <summary>The part of a result of SQLite that tells the kind of failure.</summary>
    private const int PrimaryCode = 0xff;

    /// <summary><c>SQLITE_FCNTL_HAS_MOVED</c>.</summary>
    private const int HasMoved = 20;

    private volatile bool _wasThere;

    /// <summary>Whether the store was open once.</summary>
    public bool WasThere => _wasThere;

    public static bool IsBusy(int result) => (result & PrimaryCode) is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    /// <summary>
    /// Opens the connection that writes; null when another process has the whole file at the moment. A file that was there before is not
    /// made anew: what it held would be missing.
    /// </summary>
    public SqliteConnection? OpenWriter()
    {
        // Of its own: what is set here must not come to a reader.
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder(connectionString)
            {
                Pooling = false,
                Mode = _wasThere ? SqliteOpenMode.ReadWrite : SqliteOpenMode.ReadWriteCreate,
            }.ToString()
        );
        try
        {
            connection.Open();
            // Not as a command of the driver, which would wait by itself while another process has the file.
            var result = raw.sqlite3_exec(
                connection.Handle,
                $"PRAGMA page_size = {BytesOfPage}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                    + $"PRAGMA wal_autocheckpoint = {PagesOfCheckpoint}; PRAGMA cache_size = -{KilobytesOfCache}"
            );
            if (IsBusy(result))
            {
                connection.Dispose();
                return null;
            }

            SqliteException.ThrowExceptionForRC(result, connection.Handle);
            _wasThere = true;
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Throws when the file that a connection writes to no longer has the store's name, or its log is gone: what was written since nobody
    /// will find again.
    /// </summary>
    public void CheckInPlace(SqliteConnection connection)
    {
        var moved = 0;
        // What cannot tell, as on Windows, does not let a file go that is open.
        var result = sqlite3_file_control(connection.Handle!.DangerousGetHandle(), "main", HasMoved, ref moved);
        if ((result == raw.SQLITE_OK && moved != 0) || !File.Exists($"{path}-wal"))
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The store '{path}' was removed or replaced while it was open: this write was not stored. Put the file back or restore "
                    + $"it from a backup, and send the write again."
            );
        }
    }

    [DllImport("e_sqlite3", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    private static extern int sqlite3_file_control(nint database, string name, int operation, ref int value);
}
