using System.Diagnostics;
using System.Globalization;

namespace AgentLightning.Benchmarks;

/// <summary><c>lightning serve</c>, or another server, in a process of its own, on a free port.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    /// <summary>Built beside this program, in the same configuration.</summary>
    public static string Program =>
        Path.Combine(
            AppContext.BaseDirectory,
            "..",
            "..",
            "AgentLightning.Cli",
            new DirectoryInfo(AppContext.BaseDirectory).Name,
            "lightning.dll"
        );

    /// <summary>What runs it.</summary>
    public static string Host =>
        Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";

    private ServerProcess(Process process, string url)
    {
        _process = process;
        Url = new Uri(url);
        Http = new HttpClient { BaseAddress = Url, Timeout = TimeSpan.FromMinutes(2) };
    }

    public Uri Url { get; }

    public HttpClient Http { get; }

    /// <summary>Processor time of all its threads so far, in the kernel too.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The most memory that it ever had, in MB.</summary>
    public double PeakMegabytes => PeakMegabytesOf(_process.Id) ?? throw new InvalidOperationException("The server has ended.");

    /// <summary>The most memory that a process ever had, in MB; null when it has ended.</summary>
    public static double? PeakMegabytesOf(int process)
    {
        var path = $"/proc/{process}/status";
        var line = File.Exists(path)
            ? File.ReadLines(path).FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            : null;
        return line is null
            ? null
            : double.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    public static Task<ServerProcess> StartAsync(string store) =>
        StartAsync([Program, "serve", "--urls", "http://127.0.0.1:0", "--store", store]);

    /// <summary>Starts a program that says on a line at which address it serves.</summary>
    public static async Task<ServerProcess> StartAsync(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Host, arguments) { RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.IndexOf(" at http://", StringComparison.Ordinal) is >= 0 and var at)
            {
                return new ServerProcess(process, line[(at + 4)..].Split(' ')[0]);
            }
        }

        throw new InvalidOperationException("The server ended before it listened.");
    }

    /// <summary>Asks it to end, and waits until it has.</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        Http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}
