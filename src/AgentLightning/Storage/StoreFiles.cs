using AgentLightning.Common;
using Microsoft.Data.Sqlite;

namespace AgentLightning.Storage;

/// <summary>A SQLite store as files: <c>NAME.db</c>, what SQLite lays beside it, and the folder <c>NAME.artifacts</c>.</summary>
public static class StoreFiles
{
    /// <summary>
    /// Deletes a store with its artifacts; what is not there is no error. While any process has the store open it is
    /// <see cref="ErrorKind.Conflict"/>, since that process would go on writing to a file that nobody finds again.
    /// </summary>
    public static void Delete(LightningOptions options)
    {
        if (File.Exists(options.Store) && IsOpenElsewhere(options.Store))
        {
            throw LightningException.Conflict($"The store '{options.Store}' is open in another process, a server perhaps. End it first.");
        }

        foreach (var file in new[] { options.Store, options.Store + "-wal", options.Store + "-shm", SqliteReserve.PathOf(options.Store) })
        {
            File.Delete(file);
        }

        if (Directory.Exists(options.ArtifactFolder))
        {
            Directory.Delete(options.ArtifactFolder, recursive: true);
        }
    }

    /// <summary>
    /// Whoever has a WAL database open holds a shared lock on its file; exclusive mode asks for the whole file and is refused then.
    /// </summary>
    private static bool IsOpenElsewhere(string path)
    {
        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Pooling = false,
                DefaultTimeout = 1,
            }.ToString()
        );
        try
        {
            connection.Open();
            foreach (var sql in new[] { "PRAGMA locking_mode = EXCLUSIVE", "BEGIN IMMEDIATE", "ROLLBACK" })
            {
                using var command = connection.CreateCommand();
                command.CommandText = sql;
                command.ExecuteNonQuery();
            }

            return false;
        }
        catch (SqliteException e)
        {
            // 5 and 6 are busy and locked; anything else says that it is no database, which nobody can have open as one.
            return e.SqliteErrorCode is 5 or 6;
        }
    }
}
