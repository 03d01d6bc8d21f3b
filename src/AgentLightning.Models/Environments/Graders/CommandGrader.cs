using System.Diagnostics;
using System.Globalization;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>
/// Runs a command on a text, such as its unit tests: 1 when it ends with 0, else 0. The text is a file in an empty folder, which is the working folder and goes afterwards. The command sees
/// no environment but PATH and HOME, and has limits of time, processor time, memory, file size and output; beyond them it is ended and the grade is 0.
/// </summary>
/// <remarks>That limits mistakes, not malice: it runs as the user of this process, with its network. Run code that nobody has read in a container.</remarks>
/// <param name="command">Program and arguments.</param>
/// <param name="file">Name of the file, such as <c>answer.py</c>.</param>
/// <param name="timeout">Longest time by the clock.</param>
/// <param name="megabytes">Most memory.</param>
internal sealed class CommandGrader(GraderTemplate input, string[] command, string file, TimeSpan timeout, int megabytes) : IGrader
{
    private const long MostOutput = 1 << 20;
    private const int MostFileBlocks = 64 << 10;

    public async ValueTask<double> GradeAsync(GraderInput graded, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("lightning-grade-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, file), input.Fill(graded), cancellationToken).ConfigureAwait(false);
            return await RunAsync(folder.FullName, cancellationToken).ConfigureAwait(false) ? 1 : 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<bool> RunAsync(string folder, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = Start(folder) };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        process.Start();
        process.StandardInput.Close();
        try
        {
            await Task.WhenAll(DrainAsync(process.StandardOutput, limit), DrainAsync(process.StandardError, limit), process.WaitForExitAsync(limit.Token)).ConfigureAwait(false);
            // So says a shell of what it could not run; that is no verdict on the text.
            return process.ExitCode is 126 or 127 ? throw new InvalidDataException($"The command '{command[0]}' cannot be run.") : process.ExitCode == 0;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            // Also what it started and left behind holds on to the folder.
            process.Kill(entireProcessTree: true);
        }
    }

    private ProcessStartInfo Start(string folder)
    {
        var start = new ProcessStartInfo { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (OperatingSystem.IsWindows())
        {
            start.FileName = command[0];
        }
        else
        {
            start.FileName = "/bin/sh";
            var seconds = Math.Ceiling(timeout.TotalSeconds);
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add(string.Create(CultureInfo.InvariantCulture, $"ulimit -t {seconds}; ulimit -v {megabytes * 1024L}; ulimit -f {MostFileBlocks}; exec \"$@\""));
            start.ArgumentList.Add("sh");
            start.ArgumentList.Add(command[0]);
        }

        foreach (var argument in command.AsSpan(1))
        {
            start.ArgumentList.Add(argument);
        }

        var path = Environment.GetEnvironmentVariable("PATH");
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["HOME"] = folder;
        return start;
    }

    /// <summary>Reads and forgets, so that the command does not wait for room, and ends it when it says too much.</summary>
    private static async Task DrainAsync(StreamReader output, CancellationTokenSource limit)
    {
        var buffer = new char[4096];
        long seen = 0;
        while (await output.ReadAsync(buffer, limit.Token).ConfigureAwait(false) is > 0 and var count)
        {
            seen += count;
            if (seen > MostOutput)
            {
                await limit.CancelAsync().ConfigureAwait(false);
            }
        }
    }
}
