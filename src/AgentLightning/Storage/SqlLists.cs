namespace AgentLightning.Storage;

/// <summary>Conditions over lists of values, which the two engines would otherwise take in different forms.</summary>
internal static class SqlLists
{
    /// <summary><c> AND column IN (@in0, …)</c> with its parameters; nothing for null, and a condition that no row meets for an empty list.</summary>
    public static (string Sql, (string Name, SqlValue Value)[] Parameters) In(string column, IReadOnlyList<string>? values) =>
        values is null ? ("", [])
        : values.Count == 0 ? (" AND 1 = 0", [])
        : ($" AND {column} IN ({string.Join(", ", values.Select((_, i) => $"@in{i}"))})", [.. values.Select((value, i) => ($"@in{i}", (SqlValue)value))]);
}
