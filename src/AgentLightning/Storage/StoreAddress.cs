using System.Data.Common;
using AgentLightning.Common;
using Npgsql;

namespace AgentLightning.Storage;

/// <summary>What the store option says: the path of a SQLite file, or the connection string of a PostgreSQL database.</summary>
/// <param name="Path">The file; null for PostgreSQL.</param>
/// <param name="ConnectionString">With the product's defaults filled in, and with the password; null for SQLite.</param>
/// <param name="Name">The store as it may be shown: without anything secret.</param>
internal sealed record StoreAddress(string? Path, string? ConnectionString, string Name)
{
    /// <summary>
    /// Connections that one process keeps at most, unless the connection string says otherwise: a server's default is 100 for all
    /// processes.
    /// </summary>
    private const int PoolSize = 20;

    /// <summary>
    /// Statements that each connection keeps ready after their first uses; 0 in the connection string for a pooler between that gives
    /// connections away in the middle.
    /// </summary>
    private const int ReadyStatements = 100;

    private const string Form = "Host=db;Database=lightning;Username=me;Password=…";

    /// <summary>Not the one of a record, which would show the password.</summary>
    public override string ToString() => Name;

    /// <summary>
    /// Reads the option. What is neither is <see cref="ErrorKind.Invalid"/>, and the message shows no value of a connection string.
    /// </summary>
    public static StoreAddress Parse(string store)
    {
        if (string.IsNullOrWhiteSpace(store) || store == ":memory:")
        {
            throw LightningException.Invalid(
                $"The store must be the path of a SQLite file or the connection string of a PostgreSQL database, but it is '{store}'. "
                    + $"What is kept only in memory would be lost."
            );
        }

        if (store.Contains("://", StringComparison.Ordinal))
        {
            throw LightningException.Invalid(
                $"The store looks like a URL ('{store[..store.IndexOf("://", StringComparison.Ordinal)]}://…'). Give the path of a SQLite "
                    + $"file, or for PostgreSQL a connection string such as {Form}"
            );
        }

        return store.Contains('=', StringComparison.Ordinal) ? OfPostgres(store) : new StoreAddress(store, null, store);
    }

    private static StoreAddress OfPostgres(string store)
    {
        // The parsers' own messages may quote a part of a password that holds a ';'.
        var given = new DbConnectionStringBuilder();
        try
        {
            given.ConnectionString = store;
        }
        catch (ArgumentException)
        {
            throw Unreadable();
        }

        if (!given.ContainsKey("Host"))
        {
            throw LightningException.Invalid(
                $"The store looks like a connection string ('{store.Split('=')[0].Trim()}=…'), but it has no 'Host='. Give the path of a "
                    + $"SQLite file, or for PostgreSQL a connection string such as {Form}"
            );
        }

        // Not enlisted: a transaction of the caller's would make ours part of it, and acknowledge what is not on disk. Not reset: nothing
        // here changes a session.
        var settings = new NpgsqlConnectionStringBuilder
        {
            ApplicationName = "agent-lightning",
            MaxPoolSize = PoolSize,
            Enlist = false,
            NoResetOnClose = true,
            MaxAutoPrepare = ReadyStatements,
        };
        try
        {
            foreach (string key in given.Keys)
            {
                settings[key] = given[key];
            }
        }
        catch (Exception e)
            when (e is ArgumentException or FormatException or InvalidCastException or OverflowException or KeyNotFoundException)
        {
            throw Unreadable();
        }

        return new StoreAddress(
            null,
            settings.ConnectionString,
            $"PostgreSQL {settings.Host}:{settings.Port}/{settings.Database ?? settings.Username ?? "(default)"}"
        );
    }

    private static LightningException Unreadable() =>
        LightningException.Invalid(
            $"The store's connection string cannot be read: a keyword is unknown or a value does not fit. Write one such as {Form} and "
                + $"put a value that holds a ';' in quotes."
        );
}
