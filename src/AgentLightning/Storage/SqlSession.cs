using System.Data;
using System.Data.Common;
using System.Text;
using AgentLightning.Common;
using Microsoft.Data.Sqlite;

namespace AgentLightning.Storage;

/// <summary>A question among several.</summary>
/// <param name="Row">Is called with each row of the answer.</param>
internal sealed record SqlRead(string Sql, Action<DbDataReader> Row, params (string Name, SqlValue Value)[] Parameters);

/// <summary>A statement that is run for each row of parameters; all rows have the same.</summary>
internal sealed record SqlWrites(string Sql, IReadOnlyList<(string Name, SqlValue Value)[]> Rows);

/// <summary>
/// One connection inside one transaction, with the few calls that the stores need. Parameters are named <c>@name</c>; null is NULL.
/// </summary>
internal sealed class SqlSession(DbConnection connection, DbTransaction? transaction)
{
    /// <summary>Statements that go to the server together; more would only make the server's answer late.</summary>
    private const int BatchSize = 1_000;

    public async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, SqlValue Value)[] parameters)
    {
        var command = Command(sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Runs one statement for each row of parameters, in their order, and tells for each whether it changed a row. All rows have the same
    /// parameters. An engine on the network gets them together, the others one after another.
    /// </summary>
    public Task<bool[]> ExecuteEachAsync(
        string sql,
        IReadOnlyList<(string Name, SqlValue Value)[]> rows,
        CancellationToken cancellationToken
    ) => WriteTogetherAsync([new SqlWrites(sql, rows)], cancellationToken);

    /// <summary>The same for several statements, each with its rows, one statement after another.</summary>
    public Task<bool[]> WriteTogetherAsync(IReadOnlyList<SqlWrites> writes, CancellationToken cancellationToken) =>
        TakesArrays
            ? ExecuteTogetherAsync(writes, cancellationToken)
            : Task.FromResult<bool[]>([.. writes.Where(write => write.Rows.Count > 0).SelectMany(ExecuteInTurn)]);

    /// <summary>True when a parameter can be an array, with one value for each row.</summary>
    public bool TakesArrays => connection.CanCreateBatch;

    private bool[] ExecuteInTurn(SqlWrites write) =>
        ExecuteInTurn(
            write.Sql,
            [.. write.Rows[0].Select(parameter => parameter.Name)],
            [.. write.Rows.Select(row => Array.ConvertAll(row, parameter => parameter.Value))]
        );

    /// <summary>The same for rows of values whose names are given once, on an engine that runs them in turn.</summary>
    public bool[] ExecuteInTurn(string sql, string[] names, IReadOnlyList<SqlValue[]> rows)
    {
        using var statement = new SqliteStatement((SqliteConnection)connection, sql, names);
        var changed = new bool[rows.Count];
        for (var i = 0; i < changed.Length; i++)
        {
            for (var j = 0; j < names.Length; j++)
            {
                statement.Bind(j, Storable(names[j], rows[i][j]));
            }

            changed[i] = statement.Run() > 0;
        }

        return changed;
    }

    /// <summary>Runs one statement whose parameters are the columns of the rows, as arrays.</summary>
    public async Task<List<T>> QueryArraysAsync<T>(
        string sql,
        string[] names,
        IReadOnlyList<SqlValue[]> rows,
        Func<DbDataReader, T> map,
        CancellationToken cancellationToken
    )
    {
        var found = new List<T>(rows.Count);
        var command = Command(sql, []);
        await using (command.ConfigureAwait(false))
        {
            for (var j = 0; j < names.Length; j++)
            {
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (names[j], ColumnOf(names[j], rows, j));
                command.Parameters.Add(parameter);
            }

            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    found.Add(map(reader));
                }
            }
        }

        return found;
    }

    public async Task<List<T>> QueryAsync<T>(
        string sql,
        Func<DbDataReader, T> map,
        CancellationToken cancellationToken,
        params (string Name, SqlValue Value)[] parameters
    )
    {
        var rows = new List<T>();
        var command = Command(sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    rows.Add(map(reader));
                }
            }
        }

        return rows;
    }

    /// <summary>
    /// Asks several questions in their order. An engine on the network gets them together; each still sees what was committed when its turn
    /// comes.
    /// </summary>
    public async Task ReadTogetherAsync(IReadOnlyList<SqlRead> reads, CancellationToken cancellationToken)
    {
        if (!connection.CanCreateBatch)
        {
            foreach (var read in reads)
            {
                var command = Command(read.Sql, read.Parameters);
                await using (command.ConfigureAwait(false))
                {
                    var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                    await using (reader.ConfigureAwait(false))
                    {
                        await ReadAsync(reader, read.Row, cancellationToken).ConfigureAwait(false);
                    }
                }
            }

            return;
        }

        var batch = connection.CreateBatch();
        await using (batch.ConfigureAwait(false))
        {
            batch.Transaction = transaction;
            foreach (var read in reads)
            {
                AddTo(batch, read.Sql, read.Parameters);
            }

            var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                foreach (var read in reads)
                {
                    await ReadAsync(reader, read.Row, cancellationToken).ConfigureAwait(false);
                    await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    public async Task<T?> SingleAsync<T>(
        string sql,
        Func<DbDataReader, T> map,
        CancellationToken cancellationToken,
        params (string Name, SqlValue Value)[] parameters
    )
        where T : class
    {
        var rows = await QueryAsync(sql, map, cancellationToken, parameters).ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>The number that a <c>SELECT COUNT(*)</c> gives.</summary>
    public async Task<long> CountAsync(string sql, CancellationToken cancellationToken, params (string Name, SqlValue Value)[] parameters)
    {
        var command = Command(sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            return Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false), null);
        }
    }

    private async Task<bool[]> ExecuteTogetherAsync(IReadOnlyList<SqlWrites> writes, CancellationToken cancellationToken)
    {
        var changed = new List<bool>();
        foreach (var chunk in writes.SelectMany(write => write.Rows.Select(row => (write.Sql, Row: row))).Chunk(BatchSize))
        {
            var batch = connection.CreateBatch();
            await using (batch.ConfigureAwait(false))
            {
                batch.Transaction = transaction;
                foreach (var (sql, row) in chunk)
                {
                    AddTo(batch, sql, row);
                }

                await batch.PrepareAsync(cancellationToken).ConfigureAwait(false);
                await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                changed.AddRange(batch.BatchCommands.Select(command => command.RecordsAffected > 0));
            }
        }

        return [.. changed];
    }

    private static async Task ReadAsync(DbDataReader reader, Action<DbDataReader> row, CancellationToken cancellationToken)
    {
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            row(reader);
        }
    }

    private static void AddTo(DbBatch batch, string sql, (string Name, SqlValue Value)[] parameters)
    {
        var command = batch.CreateBatchCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            Set(command.Parameters[command.Parameters.Add(command.CreateParameter())], name, value);
        }

        batch.BatchCommands.Add(command);
    }

    private DbCommand Command(string sql, (string Name, SqlValue Value)[] parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        foreach (var (name, value) in parameters)
        {
            Set(command.Parameters[command.Parameters.Add(command.CreateParameter())], name, value);
        }

        return command;
    }

    private static Array ColumnOf(string name, IReadOnlyList<SqlValue[]> rows, int column) =>
        rows[0][column].Type switch
        {
            DbType.Int32 => rows.Select(row => (int?)row[column].Value).ToArray(),
            DbType.Int64 => rows.Select(row => (long?)row[column].Value).ToArray(),
            DbType.Double => rows.Select(row => (double?)row[column].Value).ToArray(),
            DbType.Binary => rows.Select(row => (byte[]?)row[column].Value).ToArray(),
            _ => rows.Select(row => row[column].Value is string text ? Storable(name, text) : null).ToArray(),
        };

    private static void Set(DbParameter parameter, string name, SqlValue value)
    {
        parameter.ParameterName = name;
        parameter.DbType = value.Type;
        parameter.Value = Storable(name, value).Value ?? DBNull.Value;
    }

    private static SqlValue Storable(string name, SqlValue value) => value.Value is string text ? Storable(name, text) : value;

    /// <summary>
    /// Text as every engine keeps it. PostgreSQL has no NUL, and SQLite cuts the text there. Half a surrogate pair, which a text cut at a
    /// fixed length ends in, has no bytes in UTF-8 and becomes U+FFFD.
    /// </summary>
    private static string Storable(string name, string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw LightningException.Invalid(
                $"A text cannot hold the character U+0000, but {name.TrimStart('@')} does at position "
                    + $"{text.IndexOf('\0', StringComparison.Ordinal)}. Leave it out."
            );
        }

        return text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') < 0 ? text : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
    }
}
