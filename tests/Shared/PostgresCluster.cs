using System.Diagnostics;

namespace AgentLightning.Testing;

/// <summary>
/// A PostgreSQL server of its own for tests: made under /tmp, reached through a socket in its folder, stopped and removed at the end. Its
/// databases sort as people in the US do (ICU), so that a statement that counts on the order of bytes is found out.
/// </summary>
public sealed class PostgresCluster : IDisposable
{
    public const string User = "lightning";
    private readonly string _bin;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"lightning-pg-{Guid.NewGuid().ToString("N")[..12]}");
    private int _databases;

    private PostgresCluster(string bin) => _bin = bin;

    /// <summary>The password of the only user.</summary>
    public string Password { get; } = $"secret-{Guid.NewGuid():N}";

    /// <summary>The folder of the socket; it stands where a connection string names the host.</summary>
    public string Host => _folder;

    private string Data => Path.Combine(_folder, "data");

    /// <summary>
    /// Starts a server. Where PostgreSQL is not installed the test is skipped, visibly; in the strict build (CI=true) it fails.
    /// </summary>
    public static PostgresCluster Start()
    {
        var (bin, missing) = Find();
        if (bin is null)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", $"The strict build needs PostgreSQL: {missing}");
            Assert.Skip($"needs PostgreSQL: {missing}");
        }

        var cluster = new PostgresCluster(bin);
        try
        {
            cluster.Make();
            cluster.StartServer();
            return cluster;
        }
        catch
        {
            cluster.Dispose();
            throw;
        }
    }

    /// <summary>Makes an empty database; gives its connection string.</summary>
    public string NewDatabase()
    {
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        Execute("postgres", $"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    public string ConnectionString(string database) => $"Host={Host};Database={database};Username={User};Password={Password}";

    /// <summary>Runs a statement as an administrator would; gives what it printed.</summary>
    public string Execute(string database, string sql) =>
        Run(
            "psql",
            ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", _folder, "-U", User, "-d", database, "-c", sql],
            ("PGPASSWORD", Password)
        );

    public void StartServer() =>
        Run(
            "pg_ctl",
            [
                "-D",
                Data,
                "-w",
                "-t",
                "60",
                "-l",
                Path.Combine(_folder, "log"),
                "-o",
                $"-k {_folder} -c listen_addresses='' -c max_connections=500 -c fsync=on -c synchronous_commit=on",
                "start",
            ]
        );

    /// <summary>Ends the server as a crash does: nothing is flushed, nobody is told.</summary>
    public void Kill() => Run("pg_ctl", ["-D", Data, "-w", "-m", "immediate", "stop"]);

    public void Dispose()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
        {
            Kill();
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static (string? Bin, string Missing) Find()
    {
        const string Debian = "/usr/lib/postgresql";
        var folders = Directory.Exists(Debian)
            ? Directory
                .GetDirectories(Debian)
                .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0)
                .Select(folder => Path.Combine(folder, "bin"))
            : [];
        var paths = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        var bin = folders
            .Concat(paths)
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "psql")));
        return bin is null ? (null, $"there is no initdb in {Debian} and on the PATH. On Debian: apt-get install postgresql-15.")
            : Environment.IsPrivilegedProcess
            && !File.ReadLines("/etc/passwd").Any(line => line.StartsWith("postgres:", StringComparison.Ordinal))
                ? (null, "it does not run as root, and there is no user 'postgres' to run it as.")
            : (bin, "");
    }

    private void Make()
    {
        Directory.CreateDirectory(_folder);
        var passwordFile = Path.Combine(_folder, "password");
        File.WriteAllText(passwordFile, Password);
        if (Environment.IsPrivilegedProcess)
        {
            RunHere("chown", ["-R", "postgres:", _folder]);
        }

        Run(
            "initdb",
            [
                "-D",
                Data,
                "-U",
                User,
                "-A",
                "scram-sha-256",
                "--pwfile",
                passwordFile,
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--locale-provider=icu",
                "--icu-locale=en-US",
            ]
        );
    }

    /// <summary>Runs one of PostgreSQL's programs, as the user that may.</summary>
    private string Run(string program, string[] arguments, params (string Name, string Value)[] environment) =>
        Environment.IsPrivilegedProcess
            ? RunHere("runuser", ["-u", "postgres", "--", Path.Combine(_bin, program), .. arguments], environment)
            : RunHere(Path.Combine(_bin, program), arguments, environment);

    private string RunHere(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        // Files and not pipes: the server that pg_ctl leaves behind would keep a pipe open for ever.
        var (output, error) = (Path.GetTempFileName(), Path.GetTempFileName());
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >" + output + " 2>" + error, program, .. arguments])
        {
            WorkingDirectory = _folder,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        process.WaitForExit();
        var (said, complained) = (File.ReadAllText(output), File.ReadAllText(error));
        File.Delete(output);
        File.Delete(error);
        return process.ExitCode == 0
            ? said.Trim()
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {said}{complained}"
            );
    }
}
