using System.Text.RegularExpressions;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed partial class SuggestionTests
{
    [Theory]
    [InlineData("lightning has no command 'eval'", "'lightning model eval' or 'lightning triage eval' or 'lightning evaluate'?", "eval")]
    [InlineData("has no command 'evaluat'", "Did you mean 'lightning evaluate'", "evaluat")]
    [InlineData("has no command 'episode'", "Did you mean 'lightning episodes'", "episode", "list")]
    [InlineData("has no command 'promot'", "Did you mean 'lightning promote'?", "promot", "--run-id", "x")]
    [InlineData("lightning episodes has no command 'ls'", "", "episodes", "ls")]
    [InlineData("lightning model has no command 'trian'", "'lightning model train'", "model", "trian")]
    [InlineData("'--agent'", "Did you mean '--agent-id'?", "stats", "--agent", "shop")]
    [InlineData("'--temprature'", "Did you mean '--temperature'?", "model", "generate", "--model", "m", "--temprature", "1")]
    public async Task An_unknown_word_is_named_with_what_was_probably_meant(string named, string meant, params string[] command)
    {
        using var folder = new TemporaryFolder();

        var message = (await Lightning.RunAsync(folder.Path, command)).Failed(2);

        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains(meant, message, StringComparison.Ordinal);
        Assert.DoesNotContain("Required command", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("episodes")]
    [InlineData("model")]
    public async Task A_group_by_itself_shows_what_there_is_in_it(string group)
    {
        using var folder = new TemporaryFolder();
        string[] words = group.Split(' ', StringSplitOptions.RemoveEmptyEntries);

        var alone = await Lightning.RunAsync(folder.Path, words);

        Assert.Equal((0, ""), (alone.ExitCode, alone.Error));
        Assert.Equal((await Lightning.RunAsync(folder.Path, [.. words, "--help"])).Out, alone.Out);
    }

    [Fact]
    public void Every_command_that_a_message_or_a_document_names_exists()
    {
        var commands = CommandTree.Commands().ToDictionary(command => command.Path, command => command.Command);
        var all = Sources()
            .SelectMany(source => Named().Matches(source.Text).Select(match => (source.File, Words: match.Groups[1].Value)))
            .ToList();
        Assert.True(all.Count > 100, $"only {all.Count} places name a command");
        var wrong = all.Select(named => (named.File, named.Words, Wrong: Fault(named.Words)))
            .Where(named => named.Wrong is not null)
            .Select(named => $"{named.File}: 'lightning {named.Words}': {named.Wrong}")
            .Distinct();

        Assert.Empty(wrong);

        string? Fault(string text)
        {
            var path = "";
            foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (word.StartsWith("--", StringComparison.Ordinal))
                {
                    return commands[path].Options.Any(option => option.Name == word) || word is "--help" or "--version"
                        ? null
                        : $"'{path}' has no option {word}";
                }

                if (commands[path].Subcommands.Count == 0)
                {
                    return null;
                }

                path = $"{path} {word}".TrimStart();
                if (!commands.ContainsKey(path))
                {
                    return $"there is no command '{path}'";
                }
            }

            return null;
        }
    }

    /// <summary>The source files, with texts that go on in the next line joined, and the documents.</summary>
    private static IEnumerable<(string File, string Text)> Sources()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories))
        {
            yield return (Path.GetRelativePath(Repository.Root, file), Joined().Replace(File.ReadAllText(file), ""));
        }

        string[] documents =
        [
            Path.Combine(Repository.Root, "README.md"),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories),
        ];
        foreach (var file in documents)
        {
            yield return (Path.GetRelativePath(Repository.Root, file), File.ReadAllText(file));
        }
    }

    [GeneratedRegex("""["]\s*\+\s*\$?["]""")]
    private static partial Regex Joined();

    /// <summary>
    /// <c>lightning</c> with the words behind it up to the first that is no name, where it stands as a command does: in quotes, as code, at
    /// the beginning of a line or after "Example: ".
    /// </summary>
    [GeneratedRegex(@"(?:(?<=['`>])|(?<=Example: )|(?<=\n))lightning((?: [a-z][a-z-]*(?![\w./:=*]))+(?: --[a-z][a-z-]*)?| --[a-z][a-z-]*)")]
    private static partial Regex Named();
}
