using AgentLightning.Storage;

namespace AgentLightning.Spending;

internal sealed class SqlSpendStore(SqlDatabase database) : ISpendStore
{
    private const string AddSql = """
        INSERT INTO spend (who, month, amount) VALUES (@who, @month, @amount)
        ON CONFLICT (who, month) DO UPDATE SET amount = spend.amount + excluded.amount
        """;

    public Task AddAsync(IReadOnlyList<Spend> amounts, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                // In one order, so that two servers do not wait for each other.
                foreach (var one in amounts.OrderBy(one => one.Who, StringComparer.Ordinal))
                {
                    await session
                        .ExecuteAsync(AddSql, cancellationToken, ("@who", one.Who), ("@month", one.Month), ("@amount", one.Amount))
                        .ConfigureAwait(false);
                }

                return amounts.Count;
            },
            cancellationToken
        );

    public Task<IReadOnlyList<Spend>> ReadAsync(string month, CancellationToken cancellationToken) =>
        database.LookAsync<IReadOnlyList<Spend>>(
            async session =>
                await session
                    .QueryAsync(
                        "SELECT who, amount FROM spend WHERE month = @month ORDER BY who",
                        reader => new Spend(reader.Text("who"), month, reader.Integer("amount")),
                        cancellationToken,
                        ("@month", month)
                    )
                    .ConfigureAwait(false),
            cancellationToken
        );
}
