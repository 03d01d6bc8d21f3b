using System.Text.Json;
using AgentLightning.Common;
using Spectre.Console;

namespace AgentLightning.Cli.Output;

/// <summary>Where commands write: results to standard output, progress to standard error, so that a pipe gets only results.</summary>
internal static class Terminal
{
    public static IAnsiConsole Results { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });

    public static IAnsiConsole Progress { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>One JSON object on standard output, for programs.</summary>
    public static void WriteJson<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, LightningJson.Indented));
}
