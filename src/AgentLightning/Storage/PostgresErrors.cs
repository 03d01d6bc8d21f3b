using System.Net.Sockets;
using AgentLightning.Common;
using Npgsql;

namespace AgentLightning.Storage;

/// <summary>Gives PostgreSQL's failures a message that a person can act on; it names host and database, never the password.</summary>
internal sealed class PostgresErrors(string store)
{
    private volatile bool _opened;

    /// <summary>Says that the store was written to: from now on a refusal is no mistake of whoever asks.</summary>
    public void Opened() => _opened = true;

    /// <summary>True for what the server or the way to it causes, and not a mistake in our own code.</summary>
    public static bool IsOfTheServer(Exception exception) =>
        exception is NpgsqlException or SocketException or IOException or TimeoutException;

    /// <summary>
    /// True when the session ended under its user's hands, so that its transaction is rolled back (25P03: it lay idle for too long). A
    /// server too slow to answer is none of these.
    /// </summary>
    public static bool IsLostConnection(NpgsqlException exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or "25P03" }
        || exception is { InnerException: IOException or SocketException };

    public LightningException Explain(Exception e, bool committing)
    {
        var (kind, message) = e switch
        {
            PostgresException refused => Explain(refused),
            { InnerException: TimeoutException } or TimeoutException => (
                ErrorKind.Unavailable,
                $"{store} did not answer in time. Try again, or look at the server's load."
            ),
            SocketException or IOException or { InnerException: SocketException or IOException } => (
                ErrorKind.Unavailable,
                $"{store} cannot be reached: {(e.InnerException ?? e).Message.TrimEnd('.')}. Check host and port, and that the server runs."
            ),
            _ => (Refused, $"{store} did not take the connection: {e.Message.TrimEnd('.')}. Check the connection string."),
        };
        return new LightningException(
            kind,
            committing
                ? $"{message} Whether the last write was stored is not known; asked again with the same ids it is stored once."
                : message,
            e
        );
    }

    private (ErrorKind Kind, string Message) Explain(PostgresException e) =>
        e.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => (
                Refused,
                $"{store} refused the user: {e.MessageText}. Check Username and Password of the connection string, and the server's "
                    + $"pg_hba.conf."
            ),
            PostgresErrorCodes.InvalidCatalogName => (
                Refused,
                $"{store} does not exist: {e.MessageText}. Make the database with 'createdb', or correct Database in the connection string."
            ),
            PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.UndefinedTable => (
                Refused,
                $"{store} does not hold the tables of a store: {e.MessageText}. Start 'lightning serve' on it once, or correct 'Search "
                    + $"Path' in the connection string."
            ),
            PostgresErrorCodes.InsufficientPrivilege => (
                Refused,
                $"{store} does not let the user do it: {e.MessageText}. The user needs to read and write the tables, and to create them "
                    + $"the first time."
            ),
            PostgresErrorCodes.ReadOnlySqlTransaction => (
                ErrorKind.Unavailable,
                $"{store} takes no writes: it is a standby, or set to read only. Name the primary server."
            ),
            PostgresErrorCodes.DiskFull => (ErrorKind.Unavailable, $"The disk of {store} is full. Free some space and try again."),
            PostgresErrorCodes.TooManyConnections => (
                ErrorKind.Unavailable,
                $"{store} has no connection left: {e.MessageText}. Raise its max_connections, or lower 'Maximum Pool Size' in the "
                    + $"connection string."
            ),
            PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => (
                ErrorKind.Unavailable,
                $"{store} rolled the work back again and again, because others changed the same records. Try again."
            ),
            // 22 is "data exception", 54 "program limit exceeded": the same values will be refused again.
            ['2', '2', ..] or ['5', '4', ..] => (
                ErrorKind.Invalid,
                $"{store} refused what was to be written: {e.MessageText.TrimEnd('.')} (SQLSTATE {e.SqlState})."
            ),
            _ => (ErrorKind.Unavailable, $"{store} failed: {e.MessageText.TrimEnd('.')} (SQLSTATE {e.SqlState})."),
        };

    private ErrorKind Refused => _opened ? ErrorKind.Unavailable : ErrorKind.Invalid;
}
