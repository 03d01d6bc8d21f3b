using System.Data.Common;
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Rows a second that an engine takes of this process alone: prepared inserts of a key and some bytes, many in a transaction that is on
/// disk at its end. What a server does beside that is measured against it.
/// </summary>
internal static class RawInserts
{
    private const int RowsOfTransaction = 800;
    private const int Rows = 60_000;
    private const string Table =
        "CREATE TABLE raw_spans (trace_id TEXT NOT NULL, span_id TEXT NOT NULL, body {0}, PRIMARY KEY (trace_id, span_id))";

    public static Task<double> RowsOfSecondAsync(string engine, string store, OtlpLoad load) =>
        engine == "SQLite" ? OfSqliteAsync(store + ".raw", load) : OfPostgresAsync(store, load);

    private static async Task<double> OfSqliteAsync(string path, OtlpLoad load)
    {
        await using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        await connection.OpenAsync();
        // As the product opens a file.
        foreach (var setting in new[] { "page_size = 8192", "journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 2000" })
        {
            await ExecuteAsync(connection, $"PRAGMA {setting}");
        }

        await ExecuteAsync(connection, TableOf("BLOB"));
        await using var insert = connection.CreateCommand();
        insert.CommandText = "INSERT INTO raw_spans VALUES (@trace, @span, @body)";
        var (trace, span, body) = (
            insert.Parameters.Add("@trace", SqliteType.Text),
            insert.Parameters.Add("@span", SqliteType.Text),
            insert.Parameters.Add("@body", SqliteType.Blob)
        );
        await insert.PrepareAsync();
        return await MeasureAsync(load, async rows =>
        {
            await using var transaction = await connection.BeginTransactionAsync();
            insert.Transaction = (SqliteTransaction)transaction;
            foreach (var row in rows)
            {
                (trace.Value, span.Value, body.Value) = row;
                await insert.ExecuteNonQueryAsync();
            }

            await transaction.CommitAsync();
        });
    }

    private static async Task<double> OfPostgresAsync(string store, OtlpLoad load)
    {
        await using var connection = new NpgsqlConnection(store);
        await connection.OpenAsync();
        await ExecuteAsync(connection, TableOf("BYTEA"));
        await using var insert = new NpgsqlCommand(
            "INSERT INTO raw_spans SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])",
            connection
        );
        var parameters = Enumerable.Range(0, 3).Select(_ => insert.Parameters.Add(new NpgsqlParameter())).ToList();
        return await MeasureAsync(load, async rows =>
        {
            parameters[0].Value = rows.Select(row => row.Trace).ToArray();
            parameters[1].Value = rows.Select(row => row.Span).ToArray();
            parameters[2].Value = rows.Select(row => row.Body).ToArray();
            await insert.ExecuteNonQueryAsync();
        });
    }

    private static async Task<double> MeasureAsync(OtlpLoad load, Func<List<(string Trace, string Span, byte[] Body)>, Task> insert)
    {
        var number = 0u;
        var groups = Enumerable
            .Range(0, Rows / RowsOfTransaction)
            .Select(_ =>
                Enumerable
                    .Range(0, RowsOfTransaction / OtlpLoad.SpansOfRequest)
                    .SelectMany(_ =>
                    {
                        var request = load.Next();
                        var length = request.Length / OtlpLoad.SpansOfRequest;
                        return Enumerable
                            .Range(0, OtlpLoad.SpansOfRequest)
                            .Select(i =>
                            {
                                // Spread as random ids are, ten spans to a trace.
                                var trace = number++ / (OtlpLoad.SpansOfRequest / OtlpLoad.TracesOfRequest);
                                return (
                                    $"{trace * 2_654_435_761u:x8}{trace:x24}",
                                    $"{i:x16}",
                                    request.AsSpan(i * length, length).ToArray()
                                );
                            });
                    })
                    .ToList()
            )
            .ToList();
        var start = Stopwatch.GetTimestamp();
        foreach (var group in groups)
        {
            await insert(group);
        }

        return groups.Count * RowsOfTransaction / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static string TableOf(string bytes) =>
        $"CREATE TABLE raw_spans (trace_id TEXT NOT NULL, span_id TEXT NOT NULL, body {bytes}, PRIMARY KEY (trace_id, span_id))";

    private static async Task ExecuteAsync(DbConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
