using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Cli.Commands;
using AgentLightning.Cli.Output;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>What a run of the program left behind.</summary>
public sealed record Outcome(int ExitCode, string Out, string Error)
{
    /// <summary>The one JSON value on standard output; the run must have succeeded.</summary>
    public JsonElement Json()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
        // Anything before or after the value makes this fail.
        using var document = JsonDocument.Parse(Out);
        return document.RootElement.Clone();
    }

    /// <summary>
    /// Checks that the run failed as it should: the exit code, nothing on standard output, one message on standard error. Gives the
    /// message.
    /// </summary>
    public string Failed(int exitCode)
    {
        Assert.True(exitCode == ExitCode, $"expected exit code {exitCode}, but it was {ExitCode}: {Out}{Error}");
        Assert.Equal("", Out);
        Assert.StartsWith("error: ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled exception", Error, StringComparison.Ordinal);
        return Error;
    }
}

/// <summary>The real program in a process of its own.</summary>
public static class Lightning
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    /// <summary>Makes an empty store, which commands other than <c>serve</c> and <c>db migrate</c> do not.</summary>
    public static async Task MakeStoreAsync(string path) =>
        await (await Workspace.MigrateAsync(new LightningOptions { Store = path }, CancellationToken.None)).DisposeAsync();

    /// <summary>
    /// Runs a command line in this process, which is much faster than in one of its own; it must name its files by whole paths. Others may
    /// run at the same time.
    /// </summary>
    public static async Task<Outcome> RunHereAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        Terminal.Redirect(output, error);
        var exitCode = await CommandRunner.RunAsync(RootCommandFactory.Create(), arguments);
        return new Outcome(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Runs a command line in a folder, to its end.</summary>
    public static Task<Outcome> RunAsync(string folder, params string[] arguments) => RunAsync(folder, "", arguments);

    /// <summary>The same with something on standard input.</summary>
    public static async Task<Outcome> RunAsync(
        string folder,
        string input,
        string[] arguments,
        params (string Name, string Value)[] environment
    )
    {
        using var process = Start(folder, arguments, environment);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(s_limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"'lightning {string.Join(' ', arguments)}' did not end within {s_limit}: {await output}{await error}");
        }

        return new Outcome(process.ExitCode, await output, await error);
    }

    /// <summary>Starts a command line in a folder; the caller ends it.</summary>
    public static Process Start(string folder, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The program as it lies beside the tests, whatever its file is called.
        start.ArgumentList.Add(typeof(RootCommandFactory).Assembly.Location);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // As in a person's terminal, so that what is written to a pipe is seen to be written to a pipe.
        start.Environment["TERM"] = "xterm-256color";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
