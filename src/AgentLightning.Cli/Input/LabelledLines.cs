using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Labelled data in lines of JSON, also as MongoDB exports it: <c>{"$oid": …}</c>, <c>{"$numberInt": …}</c> and the like stand for their
/// values. Fields inside of others are named with a dot.
/// </summary>
/// <param name="TextColumns">One field: the text. Several: the first is the title, the others together are the text.</param>
internal sealed record LabelledLines(
    string Path,
    IReadOnlyList<string> TextColumns,
    string LabelColumn,
    string? SliceColumn,
    bool SkipEmpty
) : ILabelledFile
{
    public IEnumerable<LabelledItem> Read()
    {
        if (!File.Exists(Path))
        {
            throw LightningException.Invalid($"There is no file '{Path}'. Give the path of a CSV or JSONL file with --data.");
        }

        var number = 0;
        foreach (var line in TextFile.ReadLines(Path))
        {
            number++;
            if (line.AsSpan().Trim().IsEmpty)
            {
                continue;
            }

            if (ItemOf(line, number) is { } item)
            {
                yield return item;
            }
        }
    }

    private LabelledItem? ItemOf(string line, int number)
    {
        using var row = Parse(line, number);
        var texts = TextColumns.Select(field => Field(row.RootElement, field, number) ?? "").ToList();
        var title = texts.Count > 1 ? texts[0] : "";
        var body = texts.Count == 1 ? texts[0] : string.Join("\n\n", texts.Skip(1));
        var label = Field(row.RootElement, LabelColumn, number)?.Trim() ?? "";
        var noText = string.IsNullOrWhiteSpace(title) && string.IsNullOrWhiteSpace(body);
        if (!noText && label.Length > 0)
        {
            return new LabelledItem(
                new FeedbackTask(
                    body,
                    texts.Count > 1 ? title : null,
                    Field(row.RootElement, "type", number),
                    RatingOf(row.RootElement, number),
                    Field(row.RootElement, "page", number)
                ),
                label,
                Slice: SliceColumn is null ? null : Field(row.RootElement, SliceColumn, number) ?? ""
            );
        }

        return SkipEmpty
            ? null
            : throw LightningException.Invalid(
                $"Line {number} of '{Path}' has no "
                    + (noText ? $"text ({string.Join(", ", TextColumns)})" : $"label ({LabelColumn})")
                    + $". It has: {NamesOf(row.RootElement)}. Correct the line, or leave such lines out with --skip-empty."
            );
    }

    private JsonDocument Parse(string line, int number)
    {
        try
        {
            var row = JsonDocument.Parse(line);
            return row.RootElement.ValueKind == JsonValueKind.Object
                ? row
                : throw LightningException.Invalid(
                    $"Line {number} of '{Path}' must be a JSON object, but it is {row.RootElement.ValueKind}."
                );
        }
        catch (JsonException e)
        {
            throw new LightningException(
                ErrorKind.Invalid,
                $"Line {number} of '{Path}' cannot be read as JSON: {e.Message.Split('\n')[0]} One object stands on each line.",
                e
            );
        }
    }

    /// <summary>A rating that is none, 1…5, says nothing.</summary>
    private int? RatingOf(JsonElement row, int number) =>
        int.TryParse(Field(row, "rating", number), System.Globalization.CultureInfo.InvariantCulture, out var rating)
        && rating is >= 1 and <= 5
            ? rating
            : null;

    private string? Field(JsonElement row, string name, int number)
    {
        var value = row;
        foreach (var part in name.Split('.'))
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(part, out value))
            {
                return null;
            }
        }

        return TextOf(value)
            ?? (
                value.ValueKind == JsonValueKind.Null
                    ? null
                    : throw LightningException.Invalid(
                        $"The field '{name}' in line {number} of '{Path}' must be a text or a number, but it is {value.ValueKind}."
                    )
            );
    }

    private static string? TextOf(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            // Extended JSON: the only property says the type, and begins with a dollar sign.
            JsonValueKind.Object when value.EnumerateObject().ToList() is [{ Name: ['$', ..] } typed] => TextOf(typed.Value),
            _ => null,
        };

    private static string NamesOf(JsonElement row) => string.Join(", ", row.EnumerateObject().Select(property => property.Name).Take(20));
}
