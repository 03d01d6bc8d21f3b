using System.CommandLine;
using AgentLightning.Cli.Commands;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>The commands of the program, asked in this process.</summary>
internal static class CommandTree
{
    /// <summary>Every command as one types it, without the program's name; "" is the program itself.</summary>
    public static IEnumerable<(string Path, Command Command)> Commands() => Commands(RootCommandFactory.Create(), "");

    /// <summary>What the program makes of a command line; nothing is run.</summary>
    public static ParseResult Parse(string path, params string[] more) =>
        RootCommandFactory.Create().Parse([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. more]);

    private static IEnumerable<(string Path, Command Command)> Commands(Command command, string path) =>
        command.Subcommands.SelectMany(child => Commands(child, $"{path} {child.Name}".TrimStart())).Prepend((path, command));
}
