using Microsoft.Data.Sqlite;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>The file of a store, as another process sees it.</summary>
public static class SqliteFile
{
    /// <summary>The rows of a statement with one column.</summary>
    public static IReadOnlyList<string> Rows(string path, string sql)
    {
        using var connection = Open(path, SqliteOpenMode.ReadOnly);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    public static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = mode,
                Pooling = false,
            }.ToString()
        );
        connection.Open();
        return connection;
    }
}
