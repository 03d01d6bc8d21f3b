using System.Data.Common;
using System.Globalization;

namespace AgentLightning.Storage;

/// <summary>
/// Adds many rows of one table by one statement where the engine is on the network, and one after another where it is not.
/// </summary>
internal static class SqlInsert
{
    /// <summary>
    /// Adds those rows whose key is not there yet and tells for each whether it was added; of several with one key the first is. The
    /// columns of the key come first, and are texts.
    /// </summary>
    /// <param name="columns">Names and, for an engine that wants them, types of the columns.</param>
    public static async Task<bool[]> NewAsync(
        SqlSession session,
        string table,
        (string Name, string Type)[] columns,
        int keyColumns,
        IReadOnlyList<SqlValue[]> rows,
        CancellationToken cancellationToken
    )
    {
        if (rows.Count == 0)
        {
            return [];
        }

        var names = string.Join(", ", columns.Select(column => column.Name));
        if (!session.TakesArrays)
        {
            var sql =
                $"INSERT INTO {table} ({names}) VALUES ({string.Join(", ", columns.Select((_, i) => Parameter(i)))}) ON CONFLICT DO "
                + $"NOTHING";
            return session.ExecuteInTurn(sql, [.. columns.Select((_, i) => Parameter(i))], rows);
        }

        var keys = string.Join(", ", columns.Take(keyColumns).Select(column => column.Name));
        var arrays = string.Join(", ", columns.Select((column, i) => $"{Parameter(i)}::{column.Type}[]"));
        var added = await session
            .QueryArraysAsync(
                $"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING RETURNING {keys}",
                [.. columns.Select((_, i) => Parameter(i))],
                rows,
                reader => KeyOf(reader, keyColumns),
                cancellationToken
            )
            .ConfigureAwait(false);
        var left = added.ToHashSet(StringComparer.Ordinal);
        return [.. rows.Select(row => left.Remove(string.Join('\n', row.Take(keyColumns).Select(value => (string)value.Value!))))];
    }

    private static string Parameter(int column) => string.Create(CultureInfo.InvariantCulture, $"@p{column}");

    private static string KeyOf(DbDataReader reader, int keyColumns) =>
        string.Join('\n', Enumerable.Range(0, keyColumns).Select(reader.GetString));
}
