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
            return await TellWrongAsync(root, parsed);
        }

        using var interruption = new Interruption();
        try
        {
            // The library's own watch over signals gives a command two seconds, and fails by itself at a second signal.
            var configuration = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = Terminal.Out,
                Error = Terminal.Error,
            };
            return await parsed.InvokeAsync(configuration, interruption.Token);
        }
        catch (LightningException e)
        {
            await Terminal.Error.WriteLineAsync($"error: {e.Message}");
            return e.Kind == ErrorKind.Invalid ? ExitCodes.Usage : ExitCodes.Failure;
        }
        catch (OperationCanceledException)
        {
            await Terminal.Error.WriteLineAsync("error: cancelled");
            return ExitCodes.Failure;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Terminal.Error.WriteLineAsync($"error: {e.Message}");
            return ExitCodes.Failure;
        }
        catch (Exception e)
        {
            await Terminal.Error.WriteLineAsync($"error: this is a mistake of the program, not yours: {e.GetType().Name}: {e.Message}");
            return ExitCodes.Failure;
        }
    }

    private static async Task<int> TellWrongAsync(RootCommand root, ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        string[] path = [.. Suggestions.PathOf(command)];
        if (command.Subcommands.Count > 0)
        {
            if (parsed.UnmatchedTokens.Count == 0)
            {
                // The name of a group by itself asks what there is.
                return await root.Parse([.. path, "--help"]).InvokeAsync();
            }

            await TellUnknownAsync(root, command, parsed.UnmatchedTokens[0]);
        }
        else
        {
            foreach (var error in parsed.Errors)
            {
                await Terminal.Error.WriteLineAsync($"error: {error.Message}");
            }

            foreach (var word in parsed.UnmatchedTokens.Where(word => word.StartsWith('-')))
            {
                await SuggestAsync(Suggestions.For(root, command, word));
            }
        }

        await Terminal.Error.WriteLineAsync($"See '{string.Join(' ', ["lightning", .. path, "--help"])}'.");
        return ExitCodes.Usage;
    }

    private static async Task TellUnknownAsync(RootCommand root, Command command, string word)
    {
        var path = string.Join(' ', ["lightning", .. Suggestions.PathOf(command)]);
        await Terminal.Error.WriteLineAsync($"error: {path} has no {(word.StartsWith('-') ? "option" : "command")} '{word}'.");
        await SuggestAsync(Suggestions.For(root, command, word));
    }

    private static async Task SuggestAsync(IReadOnlyList<string> meant)
    {
        if (meant.Count > 0)
        {
            await Terminal.Error.WriteLineAsync($"Did you mean {string.Join(" or ", meant.Select(text => $"'{text}'"))}?");
        }
    }
}
