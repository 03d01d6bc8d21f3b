using AgentLightning.Common;
using Microsoft.Data.Sqlite;

namespace AgentLightning.Storage;

/// <summary>Changes of a file: those of this process at once, those of others by asking SQLite whether anybody else wrote.</summary>
internal sealed class SqliteChangeNotices(SqliteDatabase database, TimeProvider time) : ChangeNotices(database)
{
    /// <summary>How late a change of another process is told at most.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    protected override async Task ListenAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        SqliteConnection? connection = null;
        long? version = null;
        try
        {
            do
            {
                try
                {
                    connection ??= database.Connect();
                    var seen = VersionOf(connection);
                    if (seen != version)
                    {
                        await CompareAsync(cancellationToken).ConfigureAwait(false);
                        version = seen;
                    }
                }
                catch (Exception e) when (e is LightningException or SqliteException)
                {
                    // Asked again in a moment, of the file that is there then.
                    connection?.Dispose();
                    (connection, version) = (null, null);
                }
            } while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // Asked to end.
        }
        finally
        {
            connection?.Dispose();
        }
    }

    /// <summary>Another number after every commit of another connection.</summary>
    private static long VersionOf(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA data_version";
        return (long)command.ExecuteScalar()!;
    }
}
