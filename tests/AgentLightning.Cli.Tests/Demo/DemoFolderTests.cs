using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class DemoFolderTests(FinishedDemo demo)
{
    private static readonly string[] s_demo = ["demo", "--seed", $"{FinishedDemo.Seed}", "--json", "--out", "demo"];

    [Theory]
    [InlineData("demo.json", "demo.json is missing")]
    [InlineData("lightning.db", "lightning.db is missing")]
    public async Task Half_a_demo_is_left_alone_with_what_is_missing(string lost, string message)
    {
        using var folder = new TemporaryFolder();
        File.Delete(Path.Combine(demo.CopyTo(folder), lost));

        Assert.Contains(message, await RefusedAsync(folder), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("{\"seed\":3,\"meth")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"seed\":3,\"method\":\"policy_gradient\",\"source\":\"bundled feedback\",\"done\":null}")]
    public async Task A_demo_with_notes_that_cannot_be_read_is_left_alone(string notes)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(Path.Combine(demo.CopyTo(folder), "demo.json"), notes);

        Assert.Contains("demo.json", await RefusedAsync(folder), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_with_something_else_is_left_alone_even_with_overwrite()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("demo"));
        await File.WriteAllTextAsync(folder.File("demo/thesis.txt"), "years of work");

        Assert.Contains("not a demo", await RefusedAsync(folder), StringComparison.Ordinal);
        Assert.Contains("not a demo", await RefusedAsync(folder, "--overwrite"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_in_place_of_the_folder_is_a_mistake_on_the_command_line()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("demo"), "a file");

        Assert.Contains("is a file", (await Lightning.RunAsync(folder.Path, s_demo)).Failed(2), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_demo_that_a_server_serves_is_not_replaced_under_it()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        using var server = await ServingProcess.StartAsync(folder.Path, "demo/lightning.db");

        Assert.Contains("open in another process", (await Lightning.RunAsync(folder.Path, s_demo)).Failed(1), StringComparison.Ordinal);
        Assert.Contains(
            "open in another process",
            (await Lightning.RunAsync(folder.Path, [.. s_demo, "--overwrite"])).Failed(1),
            StringComparison.Ordinal
        );

        Assert.StartsWith(
            "triage-",
            (await server.PostAsync("/api/lightning/triage", new { comment = "still here" })).GetProperty("model").GetString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_demo_that_somebody_worked_with_is_not_replaced_unless_told_so()
    {
        using var folder = new TemporaryFolder();
        var path = demo.CopyTo(folder);
        (
            await Lightning.RunAsync(
                folder.Path,
                "triage",
                "run",
                "The login page is down",
                "--store",
                Path.Combine(path, "lightning.db"),
                "--json"
            )
        ).Json();

        Assert.Contains("1 episodes that came later", await RefusedAsync(folder), StringComparison.Ordinal);

        Assert.Equal(Figures.Of(demo.Outcome), Figures.Of(await Lightning.RunAsync(folder.Path, [.. s_demo, "--overwrite"])));
    }

    private static async Task<string> RefusedAsync(TemporaryFolder folder, params string[] more)
    {
        var before = ContentOf(folder);
        var message = (await Lightning.RunAsync(folder.Path, [.. s_demo, .. more])).Failed(1);
        Assert.Contains("--out", message, StringComparison.Ordinal);
        Assert.Equal(before, ContentOf(folder));
        return message;
    }

    /// <summary>All files but the two that SQLite makes beside an open database.</summary>
    private static IEnumerable<string> ContentOf(TemporaryFolder folder) =>
        Figures
            .FilesOf(folder.File("demo"))
            .Where(file => !file.Contains("-wal ", StringComparison.Ordinal) && !file.Contains("-shm ", StringComparison.Ordinal));
}
