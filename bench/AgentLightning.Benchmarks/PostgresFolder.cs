using System.Diagnostics;

namespace AgentLightning.Benchmarks;

/// <summary>A PostgreSQL server of its own in a folder, reached through a socket in it; null where PostgreSQL is not installed.</summary>
internal sealed class PostgresFolder : IDisposable
{
    private readonly string _bin;
    private readonly string _folder;

    private PostgresFolder(string bin, string folder) => (_bin, _folder) = (bin, folder);

    public string ConnectionString => $"Host={_folder};Database=postgres;Username=bench";

    public static PostgresFolder? Start(string folder)
    {
        const string Debian = "/usr/lib/postgresql";
        var bin = Directory.Exists(Debian)
            ? Directory
                .GetDirectories(Debian)
                .Select(version => Path.Combine(version, "bin"))
                .FirstOrDefault(path => File.Exists(Path.Combine(path, "initdb")))
            : null;
        if (bin is null)
        {
            Console.Error.WriteLine($"PostgreSQL is left out: there is no initdb in {Debian}.");
            return null;
        }

        Directory.CreateDirectory(folder);
        if (Environment.IsPrivilegedProcess)
        {
            Run("chmod", "711", Path.GetDirectoryName(folder)!);
            Run("chown", "postgres:", folder);
        }

        var postgres = new PostgresFolder(bin, folder);
        postgres.RunAsUser("initdb", "-D", Path.Combine(folder, "data"), "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8");
        postgres.Start();
        return postgres;
    }

    public void Start() =>
        RunAsUser(
            "pg_ctl",
            "-D",
            Path.Combine(_folder, "data"),
            "-w",
            "-l",
            Path.Combine(_folder, "log"),
            "-o",
            $"-k {_folder} -c listen_addresses=''",
            "start"
        );

    /// <summary>Ends it without a last word to its clients, as a machine that loses power.</summary>
    public void Crash() => RunAsUser("pg_ctl", "-D", Path.Combine(_folder, "data"), "-w", "-m", "immediate", "stop");

    public void Dispose() => RunAsUser("pg_ctl", "-D", Path.Combine(_folder, "data"), "-w", "-m", "fast", "stop");

    private void RunAsUser(string program, params string[] arguments)
    {
        if (Environment.IsPrivilegedProcess)
        {
            Run("runuser", ["-u", "postgres", "--", Path.Combine(_bin, program), .. arguments]);
        }
        else
        {
            Run(Path.Combine(_bin, program), arguments);
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        // Into a file and not a pipe, which the server that pg_ctl leaves behind would keep open.
        using var process = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >/dev/null", program, .. arguments]) { WorkingDirectory = "/" }
        )!;
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
        }
    }
}
