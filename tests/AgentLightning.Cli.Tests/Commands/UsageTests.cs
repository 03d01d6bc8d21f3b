using System.CommandLine;
using AgentLightning.Cli.Commands;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class UsageTests
{
    /// <summary>Every command of the program, as one types it; "" is the program itself.</summary>
    public static TheoryData<string> Commands => [.. PathsOf(RootCommandFactory.Create(), [])];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Help_describes_the_command_and_every_option(string path)
    {
        string[] words = path.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var root = RootCommandFactory.Create();
        var command = words.Aggregate((Command)root, (parent, name) => parent.Subcommands.Single(child => child.Name == name));
        using var output = new StringWriter();

        // In this process: a process for each of the commands takes longer than most other tests together.
        var exit = await root.Parse([.. words, "--help"])
            .InvokeAsync(new InvocationConfiguration { Output = output }, TestContext.Current.CancellationToken);

        Assert.Equal(0, exit);
        var help = output.ToString();
        Assert.NotEqual("", command.Description);
        AssertShown(command.Description!);
        foreach (var option in command.Options)
        {
            Assert.Contains(option.Name, help, StringComparison.Ordinal);
            Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{option.Name} has no description");
            AssertShown(option.Description!);
        }

        Assert.All(command.Arguments, argument => AssertShown(argument.Description!));
        Assert.All(command.Subcommands, child => Assert.Contains(child.Name, help, StringComparison.Ordinal));

        void AssertShown(string text) =>
            Assert.Contains(
                text,
                string.Join(' ', help.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
                StringComparison.Ordinal
            );
    }

    [Theory]
    [InlineData("")]
    [InlineData("serve")]
    [InlineData("episodes list")]
    public async Task Help_calls_the_program_as_people_do(string path)
    {
        using var folder = new TemporaryFolder();

        var help = await Lightning.RunAsync(folder.Path, [.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        Assert.Contains($"lightning {path}".TrimEnd() + " ", help.Out.Split("Usage:")[1], StringComparison.Ordinal);
        Assert.DoesNotContain("AgentLightning.Cli", help.Out, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task An_unknown_option_is_refused_with_a_pointer_to_the_help_of_the_command(string path)
    {
        using var folder = new TemporaryFolder();

        var message = (
            await Lightning.RunAsync(folder.Path, [.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--sede", "3"])
        ).Failed(2);

        Assert.Contains("--sede", message, StringComparison.Ordinal);
        Assert.Contains($"See 'lightning {path}".TrimEnd() + " --help'", message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("--run-id", "promote")]
    [InlineData("--out", "triage", "train")]
    [InlineData("--model", "triage", "eval")]
    [InlineData("--seed", "demo", "--seed", "many")]
    [InlineData("--learn-from", "demo", "--learn-from", "books")]
    public async Task What_is_missing_or_of_the_wrong_kind_is_named(string named, params string[] command)
    {
        using var folder = new TemporaryFolder();

        var message = (await Lightning.RunAsync(folder.Path, command)).Failed(2);

        Assert.Contains(named == "--learn-from" ? "books" : named, message, StringComparison.Ordinal);
        Assert.Contains("--help", message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task The_program_knows_its_version()
    {
        using var folder = new TemporaryFolder();

        Assert.Matches(@"^\d+\.\d+\.\d+", (await Lightning.RunAsync(folder.Path, "--version")).Out);
    }

    private static IEnumerable<string> PathsOf(Command command, string[] path) =>
        command.Subcommands.SelectMany(child => PathsOf(child, [.. path, child.Name])).Prepend(string.Join(' ', path));
}
