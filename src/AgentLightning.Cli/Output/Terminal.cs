using System.Text.Json;
using AgentLightning.Common;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AgentLightning.Cli.Output;

/// <summary>Where commands write: results to standard output, progress to standard error, so that a pipe gets only results.</summary>
internal static class Terminal
{
    /// <summary>
    /// Characters of a line where there is no terminal to say: wide enough for the tables, so that nothing wraps in a file.
    /// </summary>
    private const int WidthOfFiles = 200;

    private static readonly IAnsiConsole s_results = Create(Console.Out, Console.IsOutputRedirected);
    private static readonly IAnsiConsole s_progress = Create(Console.Error, Console.IsErrorRedirected);
    private static readonly AsyncLocal<Streams?> s_redirected = new();

    public static IAnsiConsole Results => s_redirected.Value?.Results ?? s_results;

    public static IAnsiConsole Progress => s_redirected.Value?.Progress ?? s_progress;

    /// <summary>Standard output, or what stands for it in this flow of control.</summary>
    public static TextWriter Out => s_redirected.Value?.Out ?? Console.Out;

    /// <summary>Standard error, or what stands for it in this flow of control.</summary>
    public static TextWriter Error => s_redirected.Value?.Error ?? Console.Error;

    public static bool IsOutputRedirected => s_redirected.Value is not null || Console.IsOutputRedirected;

    /// <summary>Characters of a line of standard error that can be written over: one less than there are, or the cursor moves on.</summary>
    public static int ProgressWidth => Math.Max(Progress.Profile.Width - 1, 1);

    /// <summary>Characters of a line of standard output.</summary>
    public static int ResultsWidth => Results.Profile.Width;

    /// <summary>A text on one line of at most so many columns; what is cut ends in an ellipsis.</summary>
    public static string Cut(string text, int columns)
    {
        var line = new Segment(OneLine(text));
        return line.CellCount() <= columns ? line.Text : $"{Segment.Truncate(line, Math.Max(columns - 1, 0))?.Text}…";
    }

    /// <summary>A text without what would begin another line or move the cursor.</summary>
    public static string OneLine(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? ' ' : c)) : text;

    /// <summary>
    /// From here on commands of this flow of control write there, and others do not notice: many command lines run in one process at once.
    /// </summary>
    public static void Redirect(TextWriter output, TextWriter error) =>
        s_redirected.Value = new Streams(output, error, Create(output, redirected: true), Create(error, redirected: true));

    private static IAnsiConsole Create(TextWriter writer, bool redirected)
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) };
        if (redirected)
        {
            settings.Ansi = AnsiSupport.No;
            settings.ColorSystem = ColorSystemSupport.NoColors;
            settings.Interactive = InteractionSupport.No;
        }

        var console = AnsiConsole.Create(settings);
        console.Profile.Width = redirected ? WidthOfFiles : console.Profile.Width;
        return console;
    }

    /// <summary>What to do after a command, where a person reads: the last line of its output.</summary>
    public static void Next(string command) => Out.WriteLine($"Next: {command}");

    /// <summary>One JSON object on standard output, for programs.</summary>
    public static void WriteJson<T>(T value) => Out.WriteLine(JsonSerializer.Serialize(value, LightningJson.Indented));

    private sealed record Streams(TextWriter Out, TextWriter Error, IAnsiConsole Results, IAnsiConsole Progress);
}
