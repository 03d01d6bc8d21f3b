using System.Data;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AgentLightning.Storage;

/// <summary>
/// One statement of SQLite that is run many times, without what the driver does for each run: finding every parameter by its name, a
/// reader, a copy of each blob. Of many small rows that is most of what they cost.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly int[] _places;
    private byte[] _text = new byte[256];

    /// <param name="names">The parameters, with their @, in the order in which they will be given.</param>
    public SqliteStatement(SqliteConnection connection, string sql, string[] names)
    {
        _database = connection.Handle!;
        Check(raw.sqlite3_prepare_v2(_database, sql, out _statement));
        _places = Array.ConvertAll(names, name => raw.sqlite3_bind_parameter_index(_statement, name));
    }

    /// <summary>Gives a parameter its value; one that the statement does not name is left out, as the driver leaves it out.</summary>
    public void Bind(int parameter, SqlValue value)
    {
        var place = _places[parameter];
        if (place == 0)
        {
            return;
        }

        Check(
            value.Value switch
            {
                null => raw.sqlite3_bind_null(_statement, place),
                // An empty span has no address, which SQLite would take for NULL.
                "" => raw.sqlite3_bind_text(_statement, place, ""),
                byte[] { Length: 0 } => raw.sqlite3_bind_zeroblob(_statement, place, 0),
                string text => raw.sqlite3_bind_text(_statement, place, BytesOf(text)),
                int number => raw.sqlite3_bind_int64(_statement, place, number),
                long number => raw.sqlite3_bind_int64(_statement, place, number),
                double number => raw.sqlite3_bind_double(_statement, place, number),
                byte[] bytes => raw.sqlite3_bind_blob(_statement, place, bytes),
                var other => throw new NotSupportedException($"A parameter of SQL cannot be a {other.GetType().Name}."),
            }
        );
    }

    /// <summary>Runs it with what was bound and tells how many rows it changed.</summary>
    public int Run()
    {
        int code;
        do
        {
            code = raw.sqlite3_step(_statement);
        } while (code == raw.SQLITE_ROW);

        // The same code again where it failed.
        raw.sqlite3_reset(_statement);
        Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code);
        return raw.sqlite3_changes(_database);
    }

    public void Dispose() => _statement.Dispose();

    private ReadOnlySpan<byte> BytesOf(string text)
    {
        if (_text.Length < Encoding.UTF8.GetMaxByteCount(text.Length))
        {
            _text = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        }

        return _text.AsSpan(0, Encoding.UTF8.GetBytes(text, _text));
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            SqliteException.ThrowExceptionForRC(code, _database);
        }
    }
}
