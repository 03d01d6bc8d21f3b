using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Datasets.Building;
using AgentLightning.Storage;

namespace AgentLightning.Datasets;

internal sealed class SqlDatasetMembers(SqlDatabase database) : IDatasetMembers
{
    /// <summary>Rows of one transaction: a hundredth of a second or so, in which others wait to write.</summary>
    private const int Together = 10_000;

    private static readonly string[] s_parameters = ["@member", "@dataset", "@episodes"];

    public Task<IReadOnlyList<DatasetHolding>> FindAsync(
        DatasetMemberKind kind,
        string id,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    )
    {
        var where = new SqlConditions()
            .Add("m.member = @member", "@member", MemberKeys.Of(EnumText.Of(kind), id))
            .AddAny("d.agent_id", "@of", agents);
        return database.LookAsync<IReadOnlyList<DatasetHolding>>(
            async session =>
                await session
                    .QueryAsync(
                        $"""
                        SELECT d.*, m.episodes AS held FROM dataset_members m JOIN datasets d ON d.member_key = m.dataset
                        {where} ORDER BY d.created_at, d.id
                        """,
                        HoldingOf,
                        cancellationToken,
                        where.Parameters
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );
    }

    public async Task<IReadOnlyList<DatasetHolding>> EraseAsync(IReadOnlyList<string> episodeIds, CancellationToken cancellationToken)
    {
        var where = new SqlConditions().AddAny(
            "m.member",
            "@member",
            [.. episodeIds.Select(id => (SqlValue)MemberKeys.Of(EnumText.Of(DatasetMemberKind.Episode), id))]
        );
        var held = await database
            .LookAsync(
                session =>
                    session.QueryAsync(
                        $"""
                        SELECT d.*, c.held FROM (
                            SELECT m.dataset, COUNT(*) AS held FROM dataset_members m {where} GROUP BY m.dataset
                        ) AS c JOIN datasets d ON d.member_key = c.dataset ORDER BY d.created_at, d.id
                        """,
                        HoldingOf,
                        cancellationToken,
                        where.Parameters
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        if (held.Count > 0)
        {
            await database.FreeAsync(session => MarkAsync(session, where, cancellationToken), cancellationToken).ConfigureAwait(false);
        }

        return held;
    }

    /// <summary>Stores what a data set holds, before the data set itself is to be seen.</summary>
    public async Task AddAsync(string datasetId, MemberKeys members, CancellationToken cancellationToken)
    {
        var dataset = KeyOf(datasetId);
        foreach (var chunk in members.Sorted().Chunk(Together))
        {
            SqlValue[][] rows = [.. chunk.Select(member => new SqlValue[] { member.Key, dataset, member.Episodes })];
            await database.WriteAsync(session => InsertAsync(session, rows, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What the members of a data set name it by.</summary>
    public static long KeyOf(string datasetId) => MemberKeys.Of("dataset", datasetId);

    private static async Task<int> InsertAsync(SqlSession session, SqlValue[][] rows, CancellationToken cancellationToken)
    {
        if (session.TakesArrays)
        {
            await session
                .QueryArraysAsync(
                    """
                    INSERT INTO dataset_members (member, dataset, episodes)
                    SELECT * FROM unnest(@member::bigint[], @dataset::bigint[], @episodes::integer[]) ON CONFLICT DO NOTHING
                    """,
                    s_parameters,
                    rows,
                    _ => 0,
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
        else
        {
            session.ExecuteInTurn(
                "INSERT INTO dataset_members (member, dataset, episodes) VALUES (@member, @dataset, @episodes) ON CONFLICT DO NOTHING",
                s_parameters,
                rows
            );
        }

        return rows.Length;
    }

    /// <summary>Counts what is marked now for the first time.</summary>
    private async Task<int> MarkAsync(SqlSession session, SqlConditions where, CancellationToken cancellationToken)
    {
        await database.SerialiseAsync(session, ["members of data sets"], cancellationToken).ConfigureAwait(false);
        var counts = await session
            .QueryAsync(
                $"SELECT m.dataset, COUNT(*) AS erased FROM dataset_members m {where} AND m.erased = 0 GROUP BY m.dataset",
                reader => (Dataset: reader.Integer("dataset"), Erased: reader.Integer("erased")),
                cancellationToken,
                where.Parameters
            )
            .ConfigureAwait(false);
        await session
            .ExecuteAsync($"UPDATE dataset_members AS m SET erased = 1 {where} AND m.erased = 0", cancellationToken, where.Parameters)
            .ConfigureAwait(false);
        foreach (var (dataset, erased) in counts)
        {
            await session
                .ExecuteAsync(
                    "UPDATE datasets SET erased_count = erased_count + @erased WHERE member_key = @dataset",
                    cancellationToken,
                    ("@erased", (int)erased),
                    ("@dataset", dataset)
                )
                .ConfigureAwait(false);
        }

        return counts.Count;
    }

    private static DatasetHolding HoldingOf(DbDataReader reader) => new(SqlDatasetStore.Read(reader), (int)reader.Integer("held"));
}
