using System.Reflection;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Input;

/// <summary>The feedback that comes with the program: written by hand, in six categories, with severities.</summary>
internal static class BundledFeedback
{
    public static IEnumerable<LabelledItem> Read()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("feedback.jsonl")!);
        while (reader.ReadLine() is { } line)
        {
            var row = JsonSerializer.Deserialize<Row>(line, LightningJson.Options)!;
            yield return new LabelledItem(
                new FeedbackTask(row.Comment, null, row.Type, row.Rating, row.Page, row.Id),
                row.Category,
                EnumText.Parse<Severity>(row.Severity, "severity")
            );
        }
    }

    private sealed record Row(string Id, string Type, int? Rating, string? Page, string Comment, string Category, string Severity);
}
