using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using AgentLightning.Common;

namespace AgentLightning.Datasets;

/// <summary>Writes the rows of one kind as lines.</summary>
internal abstract class DatasetFormats<T>
    where T : class
{
    private static readonly JsonSerializerOptions s_compact = new(LightningJson.Options)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>The names of the columns of a table.</summary>
    public abstract IReadOnlyList<string> Columns { get; }

    protected abstract IReadOnlyList<DatasetFormat> Known { get; }

    /// <summary>Refuses a format that the kind has no rows for.</summary>
    public void Check(Dataset dataset, DatasetFormat format)
    {
        if (!Known.Contains(format))
        {
            throw LightningException.Invalid(
                $"A data set of kind {EnumText.Of(dataset.Kind)} can be written as {string.Join(", ", Known.Select(EnumText.Of))}, but not "
                    + $"as {EnumText.Of(format)}."
            );
        }
    }

    /// <summary>A row as a line, or null where it has none in this format.</summary>
    public string? Line(T row, DatasetFormat format) =>
        format switch
        {
            DatasetFormat.Jsonl => JsonSerializer.Serialize(row, s_compact),
            DatasetFormat.Csv => CsvLine.Of(Cells(row)),
            _ => Form(row, format) is { } form ? JsonSerializer.Serialize(form, form.GetType(), s_compact) : null,
        };

    protected abstract object? Form(T row, DatasetFormat format);

    protected abstract IEnumerable<string?> Cells(T row);

    protected static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>What the user said last.</summary>
    protected static string? Asked(IReadOnlyList<DatasetMessage> messages) =>
        messages.LastOrDefault(message => message.Role == "user")?.Content;

    protected static string Text<TValue>(TValue value) => JsonSerializer.Serialize(value, s_compact);
}

/// <summary>A message in the form that OpenAI's endpoints take.</summary>
internal sealed record OpenAiMessage(
    string Role,
    string? Content,
    IReadOnlyList<OpenAiToolCall>? ToolCalls = null,
    string? ToolCallId = null
)
{
    public static OpenAiMessage Of(DatasetMessage message) =>
        new(
            message.Role,
            message.Content,
            message
                .ToolCalls?.Select(call => new OpenAiToolCall(call.Id, "function", new OpenAiFunction(call.Name, call.Arguments)))
                .ToList(),
            message.ToolCallId
        );

    public static IReadOnlyList<OpenAiMessage> Of(IEnumerable<DatasetMessage> messages) => [.. messages.Select(Of)];
}

internal sealed record OpenAiToolCall(string Id, string Type, OpenAiFunction Function);

internal sealed record OpenAiFunction(string Name, string Arguments);

internal sealed class ChatFormats : DatasetFormats<ChatRow>
{
    public override IReadOnlyList<string> Columns => ["key", "side", "input", "answer", "reward", "episode_ids", "slice", "messages"];

    protected override IReadOnlyList<DatasetFormat> Known =>
        [DatasetFormat.Jsonl, DatasetFormat.Openai, DatasetFormat.Trl, DatasetFormat.Csv];

    protected override object Form(ChatRow row, DatasetFormat format) =>
        format == DatasetFormat.Openai
            ? new { Messages = OpenAiMessage.Of(row.Messages), row.Tools }
            : new
            {
                Prompt = OpenAiMessage.Of(row.Messages.SkipLast(1)),
                Completion = OpenAiMessage.Of(row.Messages.TakeLast(1)),
                row.Tools,
            };

    protected override IEnumerable<string?> Cells(ChatRow row) =>
        [
            row.Key,
            EnumText.Of(row.Side),
            Asked(row.Messages),
            row.Messages[^1].Content,
            Number(row.Reward),
            string.Join(' ', row.EpisodeIds),
            row.Slice,
            Text(row.Messages),
        ];
}

internal sealed class PreferenceFormats : DatasetFormats<PreferenceRow>
{
    public override IReadOnlyList<string> Columns =>
        ["key", "side", "input", "chosen", "rejected", "chosen_reward", "rejected_reward", "episode_ids", "slice", "messages"];

    protected override IReadOnlyList<DatasetFormat> Known =>
        [DatasetFormat.Jsonl, DatasetFormat.Openai, DatasetFormat.Dpo, DatasetFormat.Trl, DatasetFormat.Csv];

    protected override object Form(PreferenceRow row, DatasetFormat format) =>
        format == DatasetFormat.Trl
            ? new
            {
                Prompt = OpenAiMessage.Of(row.Messages),
                Chosen = OpenAiMessage.Of([row.Chosen]),
                Rejected = OpenAiMessage.Of([row.Rejected]),
            }
            : new
            {
                Input = new { Messages = OpenAiMessage.Of(row.Messages) },
                PreferredOutput = OpenAiMessage.Of([row.Chosen]),
                NonPreferredOutput = OpenAiMessage.Of([row.Rejected]),
            };

    protected override IEnumerable<string?> Cells(PreferenceRow row) =>
        [
            row.Key,
            EnumText.Of(row.Side),
            Asked(row.Messages),
            row.Chosen.Content,
            row.Rejected.Content,
            Number(row.ChosenReward),
            Number(row.RejectedReward),
            string.Join(' ', row.EpisodeIds),
            row.Slice,
            Text(row.Messages),
        ];
}

internal sealed class PromptFormats : DatasetFormats<PromptRow>
{
    public override IReadOnlyList<string> Columns =>
        ["key", "side", "input", "expected", "best_answer", "best_reward", "answers", "episode_ids", "slice", "messages"];

    protected override IReadOnlyList<DatasetFormat> Known =>
        [DatasetFormat.Jsonl, DatasetFormat.Openai, DatasetFormat.Trl, DatasetFormat.Csv];

    protected override object Form(PromptRow row, DatasetFormat format) =>
        format == DatasetFormat.Openai
            ? new
            {
                Messages = OpenAiMessage.Of(row.Messages),
                row.Expected,
                BestAnswer = Best(row)?.Action,
                BestReward = Best(row)?.Reward,
            }
            : new { Prompt = OpenAiMessage.Of(row.Messages), row.Expected };

    protected override IEnumerable<string?> Cells(PromptRow row) =>
        [
            row.Key,
            EnumText.Of(row.Side),
            Asked(row.Messages),
            row.Expected,
            Best(row)?.Action,
            Best(row) is { } best ? Number(best.Reward) : null,
            row.Answers.Count.ToString(CultureInfo.InvariantCulture),
            string.Join(' ', row.EpisodeIds),
            row.Slice,
            Text(row.Messages),
        ];

    private static DatasetAnswer? Best(PromptRow row) => row.Answers.MaxBy(answer => answer.Reward);
}

internal sealed class ClassificationFormats : DatasetFormats<DatasetExample>
{
    public override IReadOnlyList<string> Columns => ["key", "side", "input", "expected", "best_answer", "best_reward", "episode_ids"];

    protected override IReadOnlyList<DatasetFormat> Known => [DatasetFormat.Jsonl, DatasetFormat.Openai, DatasetFormat.Csv];

    /// <summary>Without a right answer, and with none that was good, there is nothing to learn as it is.</summary>
    protected override object? Form(DatasetExample row, DatasetFormat format) =>
        (row.Expected ?? (Best(row) is { Reward: > 0 } best ? best.Action : null)) is { } answer
            ? new { Messages = (OpenAiMessage[])[new("user", row.Input), new("assistant", answer)] }
            : null;

    protected override IEnumerable<string?> Cells(DatasetExample row) =>
        [
            row.Key,
            EnumText.Of(row.Side),
            row.Input,
            row.Expected,
            Best(row)?.Action,
            Best(row) is { } best ? Number(best.Reward) : null,
            string.Join(' ', row.Answers.Select(answer => answer.EpisodeId)),
        ];

    private static DatasetAnswer? Best(DatasetExample row) => row.Answers.MaxBy(answer => answer.Reward);
}

/// <summary>Lines of RFC 4180 that are safe to open in a spreadsheet.</summary>
internal static class CsvLine
{
    public static string Of(IEnumerable<string?> cells) => string.Join(',', cells.Select(Cell));

    /// <summary>What begins like a formula is not one any more behind an apostrophe; a number stays one.</summary>
    private static string Cell(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var isFormula =
            text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n'
            && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
        var safe = isFormula ? "'" + text : text;
        return safe.AsSpan().IndexOfAny(",\"\r\n'") < 0 ? safe : $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
