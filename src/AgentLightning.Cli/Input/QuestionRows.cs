using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Questions from JSON lines: <c>prompt</c> or <c>messages</c>, perhaps <c>id</c>; the whole line is what graders call the item.
/// </summary>
/// <param name="withTools">The prompt of messages with the tools of the task; null where there are none.</param>
internal sealed class QuestionRows(Tokenizer tokenizer, Func<IReadOnlyList<object?>, int[]?> withTools)
{
    /// <param name="task">The file of the task, beside which the questions lie.</param>
    /// <param name="file">Their name.</param>
    public List<RolloutTask> Read(string task, JsonElement file)
    {
        var path =
            file.ValueKind == JsonValueKind.String ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(task))!, file.GetString()!) : "";
        if (!File.Exists(path))
        {
            throw LightningException.Invalid(
                $"{task}: there is no file of questions '{file}'. 'data' and 'held_out' name JSON lines, seen from the folder of the task."
            );
        }

        var tasks = new List<RolloutTask>();
        foreach (
            var (line, number) in TextFile
                .ReadLines(path)
                .Select((line, index) => (line, index + 1))
                .Where(row => !string.IsNullOrWhiteSpace(row.line))
        )
        {
            var where = $"{path}, line {number}";
            var row = AnswerTokens.Parse(line, where);
            tasks.Add(
                new RolloutTask(
                    row.ValueKind == JsonValueKind.Object && row.TryGetProperty("id", out var id) ? id.ToString() : $"line {number}",
                    Prompt(row, where),
                    row
                )
            );
        }

        return tasks;
    }

    private int[] Prompt(JsonElement row, string where)
    {
        if (
            row.ValueKind == JsonValueKind.Object
            && row.TryGetProperty("messages", out var list)
            && AnswerTokens.Messages(list) is { } messages
        )
        {
            return withTools(messages) ?? tokenizer.Encode(tokenizer.RenderChat(messages), addSpecialTokens: false);
        }

        return
            row.ValueKind == JsonValueKind.Object
            && row.TryGetProperty("prompt", out var prompt)
            && prompt.ValueKind == JsonValueKind.String
            ? tokenizer.Encode(prompt.GetString()!)
            : throw LightningException.Invalid($"{where}: a question is an object with 'prompt', a text, or 'messages', a list.");
    }
}
