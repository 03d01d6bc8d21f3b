using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Lookup;

namespace AgentLightning.Cli.Commands;

/// <summary>What commands have in common that list records, newest first and a page at a time.</summary>
/// <param name="kind">Of which <c>--before</c> takes an id.</param>
/// <param name="older">What <c>--before</c> is for: <c>Only episodes older than this one</c>.</param>
/// <param name="most">How many records are listed by default.</param>
internal sealed class ListCommand(RecordKind kind, string older, int most)
{
    private readonly RecordsOptions _records = new();
    private readonly Option<bool> _json = CommonOptions.Json();
    private readonly Option<int> _limit = new("--limit") { Description = "How many, 1 to 1000.", DefaultValueFactory = _ => most };
    private readonly Option<string?> _before = new("--before") { Description = $"{older}: the last id of a page gives the next." };

    /// <param name="own">Its own options, which come first in its help.</param>
    /// <param name="read">Reads the page that the place says.</param>
    /// <param name="tableOf">The page for people.</param>
    public Command Create<T>(
        string name,
        string description,
        IEnumerable<Option> own,
        Func<ParseResult, IRecords, ListPlace, CancellationToken, Task<T>> read,
        Func<T, RecordTable> tableOf
    )
    {
        var command = new Command(name, description);
        foreach (var option in own.Append(_limit).Append(_before))
        {
            command.Add(option);
        }

        _records.AddTo(command);
        command.Add(_json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await _records.OpenAsync(parsed, cancellationToken);
                var place = new ListPlace(
                    parsed.GetValue(_limit),
                    await opened.Ids.WholeOrNoneAsync(kind, parsed.GetValue(_before), cancellationToken)
                );
                var list = await read(parsed, opened, place, cancellationToken);
                if (parsed.GetValue(_json))
                {
                    Terminal.WriteJson(list);
                }
                else
                {
                    tableOf(list).Write();
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }
}

/// <summary>Which page of a list.</summary>
/// <param name="Before">The id of a record, or a place in the list; null for the first page.</param>
internal sealed record ListPlace(int Limit, string? Before);
