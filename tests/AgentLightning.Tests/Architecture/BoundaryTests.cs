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
        ["AgentLightning.Client"] = [],
        ["AgentLightning"] = ["AgentLightning.Client"],
        ["AgentLightning.Models"] = [],
        ["AgentLightning.Engine"] = ["AgentLightning", "AgentLightning.Models"],
        ["AgentLightning.ModelServer"] = ["AgentLightning", "AgentLightning.Engine"],
        ["AgentLightning.Server"] = ["AgentLightning", "AgentLightning.Engine"],
        ["AgentLightning.Cli"] = ["AgentLightning.Engine", "AgentLightning.ModelServer", "AgentLightning.Server"],
    };

    /// <summary>Which features of the product a feature may use. No feature is used by one that it uses.</summary>
    private static readonly Dictionary<string, string[]> s_features = new()
    {
        ["Common"] = [],
        ["Governance"] = ["Common"],
        ["Storage"] = ["Common"],
        ["Jobs"] = ["Common", "Storage"],
        ["Spending"] = ["Common", "Storage"],
        ["Audit"] = ["Common", "Governance", "Storage"],
        ["Access"] = ["Common", "Governance", "Storage", "Audit"],
        ["Episodes"] = ["Common", "Governance", "Storage", "Access"],
        // A deletion names the data sets and models that held what is deleted.
        ["Retention"] = ["Common", "Jobs", "Access", "Governance", "Audit", "Episodes", "Feedback", "Traces", "Datasets", "Deployments"],
        ["Rewards"] = ["Common", "Access", "Governance", "Storage", "Episodes"],
        ["Feedback"] = ["Common", "Access", "Governance", "Storage", "Episodes", "Rewards"],
        ["Traces"] = ["Common", "Access", "Governance", "Storage", "Episodes", "Rewards"],
        // Made of episodes and rewards, whose texts are redacted already; what a person brings is redacted here.
        ["Datasets"] = ["Common", "Access", "Governance", "Storage", "Episodes", "Rewards"],
        ["Training"] = ["Common", "Access", "Storage", "Datasets"],
        ["Evaluation"] = ["Common", "Access", "Governance", "Storage", "Datasets", "Training"],
        ["Deployments"] =
        [
            "Common",
            "Access",
            "Governance",
            "Storage",
            "Audit",
            "Episodes",
            "Rewards",
            "Datasets",
            "Training",
            "Evaluation",
        ],
        ["Experiments"] = ["Common", "Access", "Governance", "Storage", "Jobs", "Audit", "Deployments"],
        ["Lookup"] = ["Common", "Access", "Storage", "Episodes"],
        ["Capture"] = ["Common", "Access", "Client", "Governance", "Storage", "Episodes", "Rewards", "Traces", "Deployments"],
        ["Health"] = ["Common", "Access", "Governance", "Storage", "Episodes"],
        // Figures are of everything that an agent has.
        ["Monitoring"] =
        [
            "Common",
            "Access",
            "Storage",
            "Episodes",
            "Rewards",
            "Feedback",
            "Datasets",
            "Training",
            "Deployments",
            "Triage",
        ],
        ["Triage"] = ["Common", "Access", "Governance", "Storage", "Episodes", "Datasets", "Evaluation", "Deployments", "Training"],
    };

    private static string Source => Path.Combine(Repository.Root, "src");

    public static TheoryData<string> Projects => [.. Directory.GetDirectories(Source).Select(folder => Path.GetFileName(folder)!)];

    /// <summary>Folders of features; those that an application needs for capture lie in the client.</summary>
    private static readonly string[] s_shared = ["Common", "Governance", "Episodes", "Feedback"];

    public static TheoryData<string> Features =>
        [.. Directory.GetDirectories(Path.Combine(Source, "AgentLightning")).Select(folder => Path.GetFileName(folder)!).Union(s_shared)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_the_projects_below_it(string project)
    {
        Assert.True(s_projects.ContainsKey(project), $"{project} is not in the table of this test: say what it may refer to.");
        var document = XDocument.Load(Path.Combine(Source, project, project + ".csproj"));

        var references = document
            .Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));

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
            where used.StartsWith("AgentLightning", StringComparison.Ordinal) && !ProjectsOf(used).Overlaps(seen)
            select $"{file}: {used}";

        Assert.Empty(crossings);
    }

    [Theory]
    [InlineData("AgentLightning", "Microsoft.AspNetCore")]
    [InlineData("AgentLightning", "AgentLightning.Models")]
    [InlineData("AgentLightning", "System.Numerics.Tensors")]
    [InlineData("AgentLightning.Client", "Microsoft.AspNetCore")]
    [InlineData("AgentLightning.Client", "Microsoft.Data")]
    [InlineData("AgentLightning.Client", "Npgsql")]
    [InlineData("AgentLightning.Models", "Microsoft.")]
    [InlineData("AgentLightning.Engine", "Microsoft.AspNetCore")]
    public void What_a_project_must_not_know_it_does_not_name(string project, string forbidden)
    {
        var crossings =
            from file in SourcesOf(Path.Combine(Source, project))
            where
                UsingsOf(file).Any(used => used.StartsWith(forbidden, StringComparison.Ordinal))
                || File.ReadAllText(file).Contains($" {forbidden}", StringComparison.Ordinal)
            select file;

        Assert.Empty(crossings);
    }

    [Theory]
    [MemberData(nameof(Features))]
    public void A_feature_uses_only_the_features_below_it(string feature)
    {
        Assert.True(s_features.ContainsKey(feature), $"{feature} is not in the table of this test: say what it may use.");
        var crossings =
            from file in SourcesOfFeature(feature)
            from used in UsingsOf(file)
            where used.StartsWith("AgentLightning.", StringComparison.Ordinal)
            let other = used.Split('.')[1]
            where other != feature && !s_features[feature].Contains(other)
            select $"{file}: {used}";

        Assert.Empty(crossings);
    }

    [Fact]
    public void The_client_holds_the_shared_features_and_its_own_folders_and_no_other()
    {
        var folders = Directory.GetDirectories(Path.Combine(Source, "AgentLightning.Client")).Select(folder => Path.GetFileName(folder)!);

        Assert.Equal(
            s_shared.Union(["Chat", "Delivery", "Export", "Telemetry"]).Order(StringComparer.Ordinal),
            folders.Order(StringComparer.Ordinal)
        );
        Assert.All(s_shared, feature =>
            Assert.Subset(s_shared.ToHashSet(), s_features[feature].Except(["Storage", "Rewards", "Access"]).ToHashSet())
        );
    }

    [Theory]
    [InlineData(
        "Microsoft.Agents.AI.Abstractions",
        "Microsoft.Extensions.AI.Abstractions",
        "Microsoft.Extensions.DependencyInjection.Abstractions",
        "Microsoft.Extensions.Logging.Abstractions"
    )]
    public void The_client_needs_no_packages_but_abstractions(params string[] packages)
    {
        var document = XDocument.Load(Path.Combine(Source, "AgentLightning.Client", "AgentLightning.Client.csproj"));

        Assert.Equal(packages, document.Descendants("PackageReference").Select(reference => reference.Attribute("Include")!.Value));
        Assert.Empty(document.Descendants("FrameworkReference"));
    }

    [Fact]
    public void A_feature_never_names_the_internals_or_the_tables_of_another()
    {
        var sources = s_features
            .Keys.SelectMany(feature =>
                SourcesOfFeature(feature).Select(file => (File: file, Feature: feature, Text: WithoutTexts(File.ReadAllText(file))))
            )
            .ToList();
        var internals =
            from source in sources
            where s_features.ContainsKey(source.Feature) && source.Feature is not ("Common" or "Storage")
            from Match match in InternalType().Matches(source.Text)
            select (Owner: source.Feature, Type: match.Groups[1].Value);
        // The builder of data sets reads across episodes and rewards by a query of its own: one statement is worth more than three passes
        // over all rows.
        var crossings =
            from type in internals.Distinct().ToList()
            from source in sources
            where s_features.ContainsKey(source.Feature) && source.Feature != type.Owner && Regex.IsMatch(source.Text, $@"\b{type.Type}\b")
            select $"{source.File} names {type.Type} of {type.Owner}";

        Assert.Empty(crossings);
    }

    /// <summary>A text may hold the word that is also the name of a type.</summary>
    private static string WithoutTexts(string source) => Quoted().Replace(source, "\"\"");

    [GeneratedRegex("\"[^\"\\n]*\"")]
    private static partial Regex Quoted();

    private static HashSet<string> Visible(string project)
    {
        var seen = new HashSet<string> { project };
        foreach (var other in s_projects[project])
        {
            seen.UnionWith(Visible(other));
        }

        return seen;
    }

    /// <summary>
    /// The projects that declare a namespace, or part of it; the records of capture are in the product's namespaces, but in the client.
    /// </summary>
    private static HashSet<string> ProjectsOf(string used) =>
        [
            .. s_declared
                .Value.Where(declared =>
                    declared.Namespace == used
                    || used.StartsWith(declared.Namespace + ".", StringComparison.Ordinal)
                        && !s_declared.Value.Any(other => other.Namespace == used)
                )
                .Select(declared => declared.Project),
        ];

    private static readonly Lazy<HashSet<(string Namespace, string Project)>> s_declared = new(() =>
        [
            .. from project in s_projects.Keys
            from file in SourcesOf(Path.Combine(Source, project))
            from line in File.ReadLines(file)
            let match = Namespace().Match(line)
            where match.Success
            select (match.Groups[1].Value, project),
        ]
    );

    private static IEnumerable<string> SourcesOfFeature(string feature) =>
        from project in new[] { "AgentLightning", "AgentLightning.Client" }
        let folder = Path.Combine(Source, project, feature)
        where Directory.Exists(folder)
        from file in SourcesOf(folder)
        select file;

    private static IEnumerable<string> SourcesOf(string folder) => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories);

    private static IEnumerable<string> UsingsOf(string file) =>
        File.ReadLines(file).Select(line => Using().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^(?:global )?using (?:static )?(?:\w+ = )?([\w.]+);")]
    private static partial Regex Using();

    [GeneratedRegex(@"^namespace ([\w.]+);")]
    private static partial Regex Namespace();

    [GeneratedRegex(
        @"internal (?:sealed |static |abstract |partial |readonly |ref )*(?:class|record struct|record|struct|interface|enum) (\w+)"
    )]
    private static partial Regex InternalType();
}
