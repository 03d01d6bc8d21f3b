using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AgentLightning.Storage;

/// <summary>
/// Looks at the file of a store through a connection that knows nothing of it yet, and so reads it from the disk: whether the log can be
/// brought into it, and, of a small one, whether its pages are sound.
/// </summary>
internal sealed class SqliteProbe(string path, string connectionString, TimeProvider time)
{
    /// <summary>A larger file takes longer than who asks for its health waits; its damage is found where it is read.</summary>
    private const long BytesOfSmall = 32 * 1024 * 1024;

    private static readonly TimeSpan s_betweenChecks = TimeSpan.FromMinutes(1);
    private readonly string _connectionString = new SqliteConnectionStringBuilder(connectionString) { Pooling = false }.ToString();
    private long? _checkedAt;

    /// <summary>True, or an exception of SQLite.</summary>
    public bool Run()
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        using (var checkpoint = connection.CreateCommand())
        {
            checkpoint.CommandText = "PRAGMA wal_checkpoint(PASSIVE)";
            checkpoint.ExecuteNonQuery();
        }

        if (_checkedAt is { } at && time.GetElapsedTime(at) < s_betweenChecks)
        {
            return true;
        }

        if (new FileInfo(path).Length <= BytesOfSmall)
        {
            using var check = connection.CreateCommand();
            check.CommandText = "PRAGMA quick_check(1)";
            if (check.ExecuteScalar() is not "ok" and var problem)
            {
                throw new SqliteException($"database disk image is malformed: {problem}", raw.SQLITE_CORRUPT);
            }
        }

        _checkedAt = time.GetTimestamp();
        return true;
    }
}
