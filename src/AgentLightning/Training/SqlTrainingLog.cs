using System.Data.Common;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>The lines of runs in the database.</summary>
internal sealed class SqlTrainingLog(SqlDatabase database)
{
    public static async Task AddAsync(
        SqlSession session,
        string id,
        IReadOnlyList<TrainingLogLine> lines,
        CancellationToken cancellationToken
    )
    {
        if (lines.Count == 0)
        {
            return;
        }

        var last = (
            await session
                .QueryAsync(
                    "SELECT COALESCE(MAX(number), 0) AS n FROM training_log WHERE run_id = @id",
                    reader => reader.Integer("n"),
                    cancellationToken,
                    ("@id", id)
                )
                .ConfigureAwait(false)
        )[0];
        foreach (var line in lines)
        {
            await session
                .ExecuteAsync(
                    """
                    INSERT INTO training_log (run_id, number, at, step, message, metrics)
                    VALUES (@id, @number, @at, @step, @message, @metrics)
                    """,
                    cancellationToken,
                    ("@id", id),
                    ("@number", ++last),
                    ("@at", line.At.ToColumn()),
                    ("@step", line.Step),
                    ("@message", line.Message),
                    ("@metrics", SqlValues.ToJsonColumn(line.Metrics))
                )
                .ConfigureAwait(false);
        }

        await session
            .ExecuteAsync(
                "DELETE FROM training_log WHERE run_id = @id AND number <= @last",
                cancellationToken,
                ("@id", id),
                ("@last", last - ITrainingRunStore.MostLogLines)
            )
            .ConfigureAwait(false);
    }

    /// <summary>Takes back what was said of steps after the checkpoint: they are made again.</summary>
    public static Task CutAsync(SqlSession session, string id, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            """
            DELETE FROM training_log WHERE run_id = @id
                AND step > (SELECT COALESCE(checkpoint_step, 0) FROM training_runs WHERE id = @id)
            """,
            cancellationToken,
            ("@id", id)
        );

    public Task<IReadOnlyList<TrainingLogLine>> ReadAsync(string id, long after, int limit, bool tail, CancellationToken cancellationToken)
    {
        Page.CheckLimit(limit);
        return database.ReadAsync<IReadOnlyList<TrainingLogLine>>(
            async session =>
            {
                var lines = await session
                    .QueryAsync(
                        $"""
                        SELECT * FROM training_log WHERE run_id = @id AND number > @after
                        ORDER BY number {(tail ? "DESC" : "ASC")} LIMIT @limit
                        """,
                        Read,
                        cancellationToken,
                        ("@id", id),
                        ("@after", after),
                        ("@limit", limit)
                    )
                    .ConfigureAwait(false);
                if (tail)
                {
                    lines.Reverse();
                }

                return lines;
            },
            cancellationToken
        );
    }

    private static TrainingLogLine Read(DbDataReader reader) =>
        new(
            reader.Integer("number"),
            reader.Time("at"),
            (int?)reader.IntegerOrNull("step"),
            reader.TextOrNull("message"),
            reader.JsonOrNull<Dictionary<string, double>>("metrics")
        );
}
