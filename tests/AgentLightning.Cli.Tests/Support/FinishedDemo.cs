using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

[assembly: AssemblyFixture(typeof(FinishedDemo))]

namespace AgentLightning.Cli.Tests.Support;

/// <summary>A demo that the program ran once, to its end, with <see cref="Seed"/>; tests that change its folder work on a copy.</summary>
public sealed class FinishedDemo : IAsyncLifetime
{
    public const int Seed = 3;

    private readonly TemporaryFolder _folder = new();

    /// <summary>What <c>lightning demo --seed 3 --json --out demo</c> said.</summary>
    public Outcome Outcome { get; private set; } = new(-1, "", "");

    public async ValueTask InitializeAsync() =>
        Outcome = await Lightning.RunAsync(_folder.Path, "demo", "--seed", $"{Seed}", "--json", "--out", "demo");

    /// <summary>Copies the demo's folder to <c>demo</c> in a folder; returns the path of the copy.</summary>
    public string CopyTo(TemporaryFolder folder)
    {
        Assert.True(Outcome.ExitCode == 0, Outcome.Error);
        foreach (var file in Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories))
        {
            var target = folder.File(Path.GetRelativePath(_folder.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return folder.File("demo");
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
