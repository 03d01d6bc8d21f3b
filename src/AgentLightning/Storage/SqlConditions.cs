namespace AgentLightning.Storage;

/// <summary>The conditions of a query that are asked for, and their parameters.</summary>
internal sealed class SqlConditions
{
    private readonly List<string> _conditions = [];
    private readonly List<(string Name, SqlValue Value)> _parameters = [];

    public (string Name, SqlValue Value)[] Parameters => [.. _parameters];

    public bool IsEmpty => _conditions.Count == 0;

    /// <summary>Adds a condition, unless its value is null.</summary>
    public SqlConditions Add(string condition, string name, SqlValue value)
    {
        if (value.Value is null)
        {
            return this;
        }

        _conditions.Add(condition);
        return With(name, value);
    }

    /// <summary>Adds <c>column IN (…)</c>, unless there is no list.</summary>
    public SqlConditions AddAny(string column, string name, IReadOnlyList<string>? values)
    {
        if (values is null)
        {
            return this;
        }

        // Of nothing, nothing: the list of SQL must not be empty.
        _conditions.Add(values.Count == 0 ? "1 = 0" : $"{column} IN ({string.Join(", ", values.Select((_, i) => name + i))})");
        for (var i = 0; i < values.Count; i++)
        {
            With(name + i, values[i]);
        }

        return this;
    }

    /// <summary>Adds a parameter that no condition brings.</summary>
    public SqlConditions With(string name, SqlValue value)
    {
        _parameters.Add((name, value));
        return this;
    }

    /// <summary><c>WHERE … AND …</c>, or nothing.</summary>
    public override string ToString() => IsEmpty ? "" : $"WHERE {string.Join(" AND ", _conditions)}";
}
