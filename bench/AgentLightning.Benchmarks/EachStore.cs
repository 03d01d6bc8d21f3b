namespace AgentLightning.Benchmarks;

/// <summary>Measures on a new SQLite file, and on a new PostgreSQL server where one is installed.</summary>
internal static class EachStore
{
    /// <param name="measure">Gets the name of the engine, and where the store is.</param>
    public static async Task<IReadOnlyList<Figure>> RunAsync(Func<string, string, Task<IReadOnlyList<Figure>>> measure)
    {
        var folder = Directory.CreateTempSubdirectory("lightning-bench-").FullName;
        try
        {
            var figures = await measure("SQLite", Path.Combine(folder, "lightning.db"));
            using var postgres = PostgresFolder.Start(Path.Combine(folder, "pg"));
            return postgres is null ? figures : [.. figures, .. await measure("PostgreSQL", postgres.ConnectionString)];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
