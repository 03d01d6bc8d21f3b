using System.Text.Json;
using AgentLightning.Common;
using Spectre.Console;

namespace AgentLightning.Cli.Output;

/// <summary>Where commands write: results to standard output, progress to standard error, so that a pipe gets only results.</summary>
internal static class Terminal
{
    /// <summary>
    /// Characters of a line where there is no terminal to say: wide enough for the tables, so that nothing wraps in a file.
    /// </summary>
    private const int WidthOfFiles = 200;

    public static IAnsiConsole Results { get; } = Create(Console.Out, Console.IsOutputRedirected);

    public static IAnsiConsole Progress { get; } = Create(Console.Error, Console.IsErrorRedirected);

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

    /// <summary>One JSON object on standard output, for programs.</summary>
    public static void WriteJson<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, LightningJson.Indented));
}
