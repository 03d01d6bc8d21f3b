using System.Text;
using System.Text.RegularExpressions;
using AgentLightning.Cli.Commands;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>What the documents say is tried: each example is run, each path must exist.</summary>
public sealed partial class DocumentationTests
{
    private const string Run = "dotnet run -c Release --project src/AgentLightning.Cli -- ";

    /// <summary>Commands that are about the repository itself and not about the program.</summary>
    private static readonly string[] s_ofTheRepository = ["dotnet test"];

    public static TheoryData<string> Documents =>
        [
            "README.md",
            "CONTRIBUTING.md",
            .. Directory
                .EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(Repository.Root, file)),
        ];

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/operations/cli.md")]
    [InlineData("docs/operations/server.md")]
    [InlineData("docs/operations/access.md")]
    public async Task Every_example_of_a_document_works_as_it_stands(string document)
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(
            folder.File("issues.csv"),
            ["repo", "label", "title", "body"],
            CsvFile.TwoKinds(160).Select((row, i) => new[] { row[2], row[1], $"Report {i}", row[0] })
        );
        ServingProcess? server = null;
        try
        {
            foreach (var line in ExamplesOf(document))
            {
                string[] words =
                [
                    .. Words().Matches(line).Select(word => word.Groups["quoted"].Success ? word.Groups["quoted"].Value : word.Value),
                ];
                if (words is ["lightning", "serve", "--store", var store])
                {
                    server = await ServingProcess.StartAsync(folder.Path, store);
                }
                else if (words[0] == "lightning")
                {
                    var outcome = await Lightning.RunAsync(folder.Path, words[1..]);
                    Assert.True(outcome.ExitCode == 0, $"{line}: {outcome.Error}");
                }
                else if (words[0] == "curl")
                {
                    await CurlAsync(server!, line, words);
                }
                else
                {
                    Assert.Contains(line, s_ofTheRepository);
                }
            }
        }
        finally
        {
            server?.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_path_that_a_document_names_exists(string document)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, document));
        var linked = Links().Matches(text).Select(match => Path.Combine(Path.GetDirectoryName(document)!, match.Groups[1].Value));
        var named = Paths().Matches(text).Select(match => match.Groups[1].Value.TrimEnd('/'));

        var missing = linked.Concat(named).Where(path => !Path.Exists(Path.Combine(Repository.Root, path)));

        Assert.Empty(missing);
    }

    [Fact]
    public void The_readme_fits_on_two_screens_and_gives_the_command_that_the_strict_build_runs()
    {
        var readme = File.ReadAllLines(Path.Combine(Repository.Root, "README.md"));

        Assert.InRange(readme.Length, 20, 120);
        Assert.Contains("dotnet test", readme);
        Assert.Contains("dotnet test ||", File.ReadAllText(Path.Combine(Repository.Root, ".ci", "run")), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_command_is_in_the_document_of_commands()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations", "cli.md"));

        Assert.All(RootCommandFactory.Create().Subcommands, command =>
            Assert.Contains($"`{command.Name}", document, StringComparison.Ordinal)
        );
    }

    /// <summary>The lines of the shell blocks, with the long form of the program's name made short.</summary>
    private static IEnumerable<string> ExamplesOf(string document)
    {
        var inBlock = false;
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, document)))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                inBlock = line == "```sh";
            }
            else if (inBlock)
            {
                yield return line.StartsWith(Run, StringComparison.Ordinal) ? $"lightning {line[Run.Length..]}" : line;
            }
        }
    }

    private static async Task CurlAsync(ServingProcess server, string line, string[] words)
    {
        var url = words.Single(word => word.StartsWith("http://127.0.0.1:4747/", StringComparison.Ordinal))[
            "http://127.0.0.1:4747".Length..
        ];
        var data = Array.IndexOf(words, "-d") is >= 0 and var at ? words[at + 1] : null;
        using var response = data is null
            ? await server.Http.GetAsync(url)
            : await server.Http.PostAsync(url, new StringContent(data, Encoding.UTF8, "application/json"));
        Assert.True(response.IsSuccessStatusCode, $"{line}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    [GeneratedRegex("""'(?<quoted>[^']*)'|"(?<quoted>[^"]*)"|\S+""")]
    private static partial Regex Words();

    [GeneratedRegex(@"\]\(([^)#:]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex(@"`((?:src|tests|bench|docs|\.ci)/[\w./-]+)`")]
    private static partial Regex Paths();
}
