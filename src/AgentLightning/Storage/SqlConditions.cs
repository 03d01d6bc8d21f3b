using System.Numerics;

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
    public SqlConditions AddAny(string column, string name, IReadOnlyList<string>? values) =>
        AddAny(column, name, values is null ? null : [.. values.Select(value => (SqlValue)value)]);

    /// <inheritdoc cref="AddAny(string, string, IReadOnlyList{string}?)"/>
    public SqlConditions AddAny(string column, string name, IReadOnlyList<SqlValue>? values)
    {
        if (values is null)
        {
            return this;
        }

        if (values.Count == 0)
        {
            // Of nothing, nothing: the list of SQL must not be empty.
            _conditions.Add("1 = 0");
            return this;
        }

        // The last one again and again, up to a power of two: few statements that the database keeps ready, and not one for each length.
        var length = (int)BitOperations.RoundUpToPowerOf2((uint)values.Count);
        _conditions.Add($"{column} IN ({string.Join(", ", Enumerable.Range(0, length).Select(i => name + i))})");
        for (var i = 0; i < length; i++)
        {
            With(name + i, values[Math.Min(i, values.Count - 1)]);
        }

        return this;
    }

    /// <summary>Adds a parameter that no condition brings.</summary>
    public SqlConditions With(string name, SqlValue value)
    {
        _parameters.Add((name, value));
        return this;
    }

    /// <summary><c>AND … AND …</c>, for what has conditions already; or nothing.</summary>
    public string More => IsEmpty ? "" : $"AND {string.Join(" AND ", _conditions)}";

    /// <summary><c>WHERE … AND …</c>, or nothing.</summary>
    public override string ToString() => IsEmpty ? "" : $"WHERE {string.Join(" AND ", _conditions)}";
}
