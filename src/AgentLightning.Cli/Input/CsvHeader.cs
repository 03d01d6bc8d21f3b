using AgentLightning.Common;

namespace AgentLightning.Cli.Input;

/// <summary>
/// The names of a CSV file's columns, without the blanks around them. A name is found as it is written, or else without regard to case
/// where that leaves no choice.
/// </summary>
internal sealed class CsvHeader(IEnumerable<string> names)
{
    private readonly string[] _names = [.. names.Select(name => name.Trim())];

    public int Count => _names.Length;

    public bool Has(string column) => Find(column) is [_];

    /// <summary>Where a column stands, from 0.</summary>
    public int IndexOf(string column, string path) =>
        Find(column) switch
        {
            [var index] => index,
            [] => throw LightningException.Invalid(
                $"'{path}' has no column '{column.Trim()}'. Its {(Count == 1 ? "one column is" : "columns are")}: "
                    + $"{string.Join(", ", _names)}.{(Count == 1 ? " What stands between its columns can be told by --delimiter." : "")}"
            ),
            var several => throw LightningException.Invalid(
                $"'{path}' has {several.Count} columns that '{column.Trim()}' may mean: "
                    + $"{string.Join(", ", several.Select(index => $"'{_names[index]}'"))}. Give each a name of its own."
            ),
        };

    private List<int> Find(string column)
    {
        var same = Where(name => name == column.Trim());
        return same.Count > 0 ? same : Where(name => name.Equals(column.Trim(), StringComparison.OrdinalIgnoreCase));
    }

    private List<int> Where(Predicate<string> isMeant) => [.. Enumerable.Range(0, _names.Length).Where(index => isMeant(_names[index]))];
}
