using System.Reflection;

namespace AgentLightning.Storage;

/// <summary>One numbered step of the schema. Steps are only ever added; a step that was released never changes.</summary>
internal sealed record Migration(int Version, string Name, string Sql)
{
    /// <summary>All steps, from the first, read from the files <c>NNNN_name.sql</c> in the assembly.</summary>
    public static IReadOnlyList<Migration> All { get; } = [.. Load()];

    /// <summary>The statement that counts a table of totals from the rows: the one that filled it when it was made last.</summary>
    public static string CountTotalsSql(string table)
    {
        var sql = All.Last(migration => migration.Sql.Contains($"CREATE TABLE {table} ", StringComparison.Ordinal)).Sql;
        var start = sql.IndexOf($"INSERT INTO {table} ", StringComparison.Ordinal);
        return sql[start..sql.IndexOf(';', start)];
    }

    private static IEnumerable<Migration> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (
            var resource in assembly
                .GetManifestResourceNames()
                .Where(name => name.EndsWith(".sql", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
        )
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            var name = Path.GetFileNameWithoutExtension(resource);
            yield return new Migration(int.Parse(name.AsSpan(0, 4), provider: null), name[5..], reader.ReadToEnd());
        }
    }
}
