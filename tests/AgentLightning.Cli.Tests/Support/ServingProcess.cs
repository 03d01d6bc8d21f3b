using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace AgentLightning.Cli.Tests.Support;

/// <summary><c>lightning serve</c> in a process of its own.</summary>
public sealed partial class ServingProcess : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);
    private readonly Process _process;

    private readonly Task<string> _output,
        _error;

    private ServingProcess(Process process, string greeting, string url, Task<string> error)
    {
        (_process, Greeting, _error) = (process, greeting, error);
        // Read all the time: a pipe that is full would stop the server.
        _output = process.StandardOutput.ReadToEndAsync();
        Http = new HttpClient { BaseAddress = new Uri(url), Timeout = s_limit };
    }

    /// <summary>What it said when it began to listen.</summary>
    public string Greeting { get; }

    public HttpClient Http { get; }

    /// <summary>What the operating system says of its memory now, in MiB.</summary>
    public double ResidentMegabytes =>
        File.ReadLines($"/proc/{_process.Id}/status")
            .Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Select(line =>
                double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture)
                / 1024
            )
            .Single();

    /// <summary>Starts it on a free port and waits for the line that tells where it listens.</summary>
    public static Task<ServingProcess> StartAsync(string folder, string store, params (string Name, string Value)[] environment) =>
        StartAtAsync(new Uri("http://127.0.0.1:0"), folder, store, environment);

    /// <summary>The same at an address of one's own, such as that of another one that ended.</summary>
    public static Task<ServingProcess> StartAtAsync(
        Uri address,
        string folder,
        string store,
        params (string Name, string Value)[] environment
    ) => StartAsync(folder, ["serve", "--urls", address.GetLeftPart(UriPartial.Authority), "--store", store], environment);

    /// <summary><c>lightning model serve</c> on a free port.</summary>
    public static Task<ServingProcess> StartModelAsync(string folder, params string[] options) =>
        StartAsync(folder, ["model", "serve", "--urls", "http://127.0.0.1:0", .. options], []);

    private static async Task<ServingProcess> StartAsync(string folder, string[] command, (string Name, string Value)[] environment)
    {
        var process = Lightning.Start(folder, command, environment);
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            while (await process.StandardOutput.ReadLineAsync().WaitAsync(s_limit) is { } line)
            {
                if (Greetings().Match(line) is { Success: true } greeting)
                {
                    return new ServingProcess(process, line, greeting.Groups[1].Value, error);
                }
            }

            throw new InvalidOperationException($"It never listened: {await error}");
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    public async Task<JsonElement> PostAsync(string path, object body)
    {
        using var response = await Http.PostAsync(
            path,
            new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json")
        );
        return await ReadAsync(response);
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using var response = await Http.GetAsync(path);
        return await ReadAsync(response);
    }

    /// <summary>Asks it to end, as a service manager does; gives its exit code and what it wrote to standard error.</summary>
    public async Task<(int ExitCode, string Error)> TerminateAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]))
        {
            await kill.WaitForExitAsync();
        }

        using var limit = new CancellationTokenSource(s_limit);
        await _process.WaitForExitAsync(limit.Token);
        return (_process.ExitCode, await _error);
    }

    /// <summary>Everything that it wrote to standard output and standard error, once it has ended.</summary>
    public async Task<string> WrittenAsync() => $"{Greeting}\n{await _output}{await _error}";

    /// <summary>Ends it as a crash does.</summary>
    public void Kill()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
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

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        using var json = JsonDocument.Parse(text);
        return json.RootElement.Clone();
    }

    [GeneratedRegex(@"^Agent Lightning serves .* at (http://\S+)")]
    private static partial Regex Greetings();
}
