using System.CommandLine;
using AgentLightning.Common;

namespace AgentLightning.Cli.Output;

/// <summary>Runs a command line and turns errors into one line on standard error and an exit code.</summary>
internal static class CommandRunner
{
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync($"error: {error.Message}");
            }

            await Console.Error.WriteLineAsync(
                $"See 'lightning {string.Join(' ', PathOf(parsed.CommandResult.Command))} --help'.".Replace(
                    "  ",
                    " ",
                    StringComparison.Ordinal
                )
            );
            return ExitCodes.Usage;
        }

        using var interruption = new Interruption();
        try
        {
            // The library's own watch over signals gives a command two seconds, and fails by itself at a second signal.
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, interruption.Token);
        }
        catch (LightningException e)
        {
            await Console.Error.WriteLineAsync($"error: {e.Message}");
            return e.Kind == ErrorKind.Invalid ? ExitCodes.Usage : ExitCodes.Failure;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("error: cancelled");
            return ExitCodes.Failure;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"error: {e.Message}");
            return ExitCodes.Failure;
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync($"error: this is a mistake of the program, not yours: {e.GetType().Name}: {e.Message}");
            return ExitCodes.Failure;
        }
    }

    private static IEnumerable<string> PathOf(Command command)
    {
        var names = new Stack<string>();
        for (var current = command; current is not RootCommand; current = (Command)current.Parents.First())
        {
            names.Push(current.Name);
        }

        return names;
    }
}
