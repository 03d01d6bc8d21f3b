using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace AgentLightning.Models.Environments.Commands;

/// <summary>
/// Runs a command in an empty folder that goes afterwards. It sees no environment but PATH and HOME, and has limits of time, processor
/// time, memory, file size and output; beyond them it is ended.
/// </summary>
/// <remarks>
/// That limits mistakes, not malice: it runs as the user of this process, with its network. Run code that nobody has read in a container.
/// </remarks>
/// <param name="Command">Program and arguments.</param>
/// <param name="Timeout">Longest time by the clock.</param>
/// <param name="Megabytes">Most memory.</param>
internal sealed record CommandSandbox(string[] Command, TimeSpan Timeout, int Megabytes)
{
    private const int MostOutput = 1 << 20;
    private const int MostFileBlocks = 64 << 10;

    /// <param name="file">A file that is there when it begins, or null.</param>
    /// <param name="input">What it reads on standard input.</param>
    /// <exception cref="InvalidDataException">The command cannot be run at all.</exception>
    public async Task<CommandOutcome> RunAsync((string Name, string Text)? file, string input, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("lightning-grade-");
        try
        {
            if (file is { } given)
            {
                await File.WriteAllTextAsync(Path.Combine(folder.FullName, given.Name), given.Text, cancellationToken)
                    .ConfigureAwait(false);
            }

            return await RunAsync(folder.FullName, input, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<CommandOutcome> RunAsync(string folder, string input, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = Start(folder) };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        process.Start();
        try
        {
            var (output, error) = (ReadAsync(process.StandardOutput, limit), ReadAsync(process.StandardError, limit));
            await Task.WhenAll(WriteAsync(process.StandardInput, input, limit.Token), output, error, process.WaitForExitAsync(limit.Token))
                .ConfigureAwait(false);
            // So says a shell of what it could not run; that says nothing of the text.
            return process.ExitCode is 126 or 127
                ? throw new InvalidDataException($"The command '{Command[0]}' cannot be run.")
                : new CommandOutcome(process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new CommandOutcome(null, "", "");
        }
        finally
        {
            // Also what it started and left behind holds on to the folder.
            process.Kill(entireProcessTree: true);
        }
    }

    private ProcessStartInfo Start(string folder)
    {
        var start = new ProcessStartInfo
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (OperatingSystem.IsWindows())
        {
            start.FileName = Command[0];
        }
        else
        {
            start.FileName = "/bin/sh";
            var seconds = Math.Ceiling(Timeout.TotalSeconds);
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"ulimit -t {seconds}; ulimit -v {Megabytes * 1024L}; ulimit -f {MostFileBlocks}; exec \"$@\""
                )
            );
            start.ArgumentList.Add("sh");
            start.ArgumentList.Add(Command[0]);
        }

        foreach (var argument in Command.AsSpan(1))
        {
            start.ArgumentList.Add(argument);
        }

        var path = Environment.GetEnvironmentVariable("PATH");
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["HOME"] = folder;
        return start;
    }

    private static async Task WriteAsync(StreamWriter target, string input, CancellationToken cancellationToken)
    {
        try
        {
            await target.WriteAsync(input.AsMemory(), cancellationToken).ConfigureAwait(false);
            target.Close();
        }
        catch (IOException)
        {
            // A command may end without reading what it is given.
        }
    }

    /// <summary>Reads all of it, so that the command does not wait for room, and ends it when it says too much.</summary>
    private static async Task<string> ReadAsync(StreamReader output, CancellationTokenSource limit)
    {
        var (buffer, text) = (new char[4096], new StringBuilder());
        while (await output.ReadAsync(buffer, limit.Token).ConfigureAwait(false) is > 0 and var count)
        {
            text.Append(buffer, 0, count);
            if (text.Length > MostOutput)
            {
                await limit.CancelAsync().ConfigureAwait(false);
            }
        }

        return text.ToString();
    }
}
