using System.Text.RegularExpressions;
using System.Xml.Linq;
using AgentLightning.Testing;

namespace AgentLightning.Tests.Architecture;

/// <summary>Reads the project references and the using lines of the sources, and fails when a boundary is crossed.</summary>
public sealed partial class BoundaryTests
{
    /// <summary>What each project may refer to: other projects, and packages of the product.</summary>
    private static readonly Dictionary<string, string[]> s_projects = new()
    {
        ["AgentLightning"] = [],
        ["AgentLightning.Models"] = [],
        ["AgentLightning.Local"] = ["AgentLightning", "AgentLightning.Models"],
        ["AgentLightning.Server"] = ["AgentLightning", "AgentLightning.Local"],
        ["AgentLightning.Cli"] = ["AgentLightning.Local", "AgentLightning.Server"],
    };

    /// <summary>Which features of the product a feature may use. No feature is used by one that it uses.</summary>
    private static readonly Dictionary<string, string[]> s_features = new()
    {
        ["Common"] = [],
        ["Governance"] = ["Common"],
        ["Storage"] = ["Common"],
        ["Episodes"] = ["Common", "Governance", "Storage"],
        ["Rewards"] = ["Common", "Governance", "Storage", "Episodes"],
        ["Feedback"] = ["Common", "Governance", "Storage", "Episodes", "Rewards"],
        ["Datasets"] = ["Common", "Storage"],
        ["Training"] = ["Common", "Storage", "Datasets"],
        ["Evaluation"] = ["Common", "Storage", "Datasets", "Training"],
        ["Deployments"] = ["Common", "Governance", "Storage", "Episodes", "Rewards", "Datasets", "Training", "Evaluation"],
        ["Stats"] = ["Common", "Episodes", "Rewards", "Datasets", "Training", "Deployments"],
        ["Monitoring"] = ["Common", "Storage", "Episodes", "Rewards", "Feedback"],
        ["Triage"] = ["Common", "Governance", "Storage", "Episodes", "Deployments", "Training"],
    };

    private static string Source => Path.Combine(Repository.Root, "src");

    public static TheoryData<string> Projects => [.. Directory.GetDirectories(Source).Select(folder => Path.GetFileName(folder)!)];

    public static TheoryData<string> Features => [.. Directory.GetDirectories(Path.Combine(Source, "AgentLightning")).Select(folder => Path.GetFileName(folder)!)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_the_projects_below_it(string project)
    {
        Assert.True(s_projects.ContainsKey(project), $"{project} is not in the table of this test: say what it may refer to.");
        var document = XDocument.Load(Path.Combine(Source, project, project + ".csproj"));

        var references = document.Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));

        Assert.Subset(s_projects[project].ToHashSet(), references.ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_only_the_namespaces_of_projects_it_may_see(string project)
    {
        var seen = Visible(project);
        var crossings =
            from file in SourcesOf(Path.Combine(Source, project))
            from used in UsingsOf(file)
            where used.StartsWith("AgentLightning", StringComparison.Ordinal) && !seen.Contains(ProjectOf(used))
            select $"{file}: {used}";

        Assert.Empty(crossings);
    }

    [Theory]
    [InlineData("AgentLightning", "Microsoft.AspNetCore")]
    [InlineData("AgentLightning", "AgentLightning.Models")]
    [InlineData("AgentLightning", "System.Numerics.Tensors")]
    [InlineData("AgentLightning.Models", "Microsoft.")]
    [InlineData("AgentLightning.Local", "Microsoft.AspNetCore")]
    public void What_a_project_must_not_know_it_does_not_name(string project, string forbidden)
    {
        var crossings =
            from file in SourcesOf(Path.Combine(Source, project))
            where UsingsOf(file).Any(used => used.StartsWith(forbidden, StringComparison.Ordinal)) || File.ReadAllText(file).Contains($" {forbidden}", StringComparison.Ordinal)
            select file;

        Assert.Empty(crossings);
    }

    [Theory]
    [MemberData(nameof(Features))]
    public void A_feature_uses_only_the_features_below_it(string feature)
    {
        Assert.True(s_features.ContainsKey(feature), $"{feature} is not in the table of this test: say what it may use.");
        var crossings =
            from file in SourcesOf(Path.Combine(Source, "AgentLightning", feature))
            from used in UsingsOf(file)
            where used.StartsWith("AgentLightning.", StringComparison.Ordinal)
            let other = used.Split('.')[1]
            where other != feature && !s_features[feature].Contains(other)
            select $"{file}: {used}";

        Assert.Empty(crossings);
    }

    [Fact]
    public void A_feature_never_names_the_internals_or_the_tables_of_another()
    {
        var root = Path.Combine(Source, "AgentLightning");
        var sources = SourcesOf(root).Select(file => (File: file, Feature: Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar)[0], Text: File.ReadAllText(file))).ToList();
        var internals =
            from source in sources
            where s_features.ContainsKey(source.Feature) && source.Feature is not ("Common" or "Storage")
            from Match match in InternalType().Matches(source.Text)
            select (Owner: source.Feature, Type: match.Groups[1].Value);
        // The builder of data sets reads across episodes and rewards by a query of its own: one statement is worth more than three passes over all rows.
        var crossings =
            from type in internals.Distinct().ToList()
            from source in sources
            where s_features.ContainsKey(source.Feature) && source.Feature != type.Owner && Regex.IsMatch(source.Text, $@"\b{type.Type}\b")
            select $"{source.File} names {type.Type} of {type.Owner}";

        Assert.Empty(crossings);
    }

    private static HashSet<string> Visible(string project)
    {
        var seen = new HashSet<string> { project };
        foreach (var other in s_projects[project])
        {
            seen.UnionWith(Visible(other));
        }

        return seen;
    }

    private static string ProjectOf(string used) => s_projects.Keys.Where(project => used == project || used.StartsWith(project + ".", StringComparison.Ordinal)).MaxBy(project => project.Length)!;

    private static IEnumerable<string> SourcesOf(string folder) => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories);

    private static IEnumerable<string> UsingsOf(string file) => File.ReadLines(file).Select(line => Using().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^(?:global )?using (?:static )?(?:\w+ = )?([\w.]+);")]
    private static partial Regex Using();

    [GeneratedRegex(@"internal (?:sealed |static |abstract |partial |readonly |ref )*(?:class|record struct|record|struct|interface|enum) (\w+)")]
    private static partial Regex InternalType();
}
