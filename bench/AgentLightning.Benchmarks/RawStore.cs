using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AgentLightning.Benchmarks;

/// <summary>A store asked without the product: what the engine itself does on this machine, in the same run.</summary>
internal sealed class RawStore : IAsyncDisposable
{
    private readonly DbConnection _connection;

    private RawStore(DbConnection connection) => _connection = connection;

    /// <param name="store">As the product takes it: the path of a SQLite file, made where there is none, or a connection string.</param>
    public static async Task<RawStore> OpenAsync(string store)
    {
        var raw = new RawStore(
            store.Contains('=', StringComparison.Ordinal)
                ? new NpgsqlConnection(store)
                : new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = store, Pooling = false }.ToString())
        );
        await raw._connection.OpenAsync();
        if (raw._connection is SqliteConnection)
        {
            // As durable as the product: what is committed is on disk.
            await raw.RunAsync("PRAGMA journal_mode = WAL");
            await raw.RunAsync("PRAGMA synchronous = FULL");
        }

        return raw;
    }

    public async Task RunAsync(string sql)
    {
        await using var command = _connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Rows a second that one prepared statement inserts.</summary>
    /// <param name="insert">With the parameters <c>@p0</c>, <c>@p1</c> and so on.</param>
    /// <param name="row">The values of a row, by its number; all rows have values of the same types.</param>
    /// <param name="together">Rows of a transaction.</param>
    public async Task<double> InsertAsync(string insert, Func<int, object[]> row, int count, int together)
    {
        await using var command = _connection.CreateCommand();
        command.CommandText = insert;
        foreach (var (i, value) in row(0).Index())
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (string.Create(CultureInfo.InvariantCulture, $"@p{i}"), value);
            command.Parameters.Add(parameter);
        }

        await command.PrepareAsync();
        var start = Stopwatch.GetTimestamp();
        for (var first = 0; first < count; first += together)
        {
            await using var transaction = await _connection.BeginTransactionAsync();
            command.Transaction = transaction;
            for (var k = first; k < Math.Min(first + together, count); k++)
            {
                foreach (var (i, value) in row(k).Index())
                {
                    command.Parameters[i].Value = value;
                }

                await command.ExecuteNonQueryAsync();
            }

            await transaction.CommitAsync();
        }

        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>A prepared query, to be run again and again; each time all that it gives is read.</summary>
    public async Task<Func<Task>> PrepareAsync(string sql)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        await command.PrepareAsync();
        return async () =>
        {
            await using var reader = await command.ExecuteReaderAsync();
            var values = new object[reader.FieldCount];
            while (await reader.ReadAsync())
            {
                reader.GetValues(values);
            }
        };
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
