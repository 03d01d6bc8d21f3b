using AgentLightning.Testing;

namespace AgentLightning.Client.Tests;

public sealed class DocumentationTests
{
    [Fact]
    public void The_references_that_a_newcomer_pastes_are_those_of_the_sample_that_is_built()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "concepts", "capture.md"));
        var sample = File.ReadAllText(Path.Combine(Repository.Root, "samples", "ChatAgent", "ChatAgent.csproj"));
        var start = document.IndexOf("```xml\n", StringComparison.Ordinal) + "```xml\n".Length;
        var shown = document[start..document.IndexOf("```", start, StringComparison.Ordinal)];

        var references = shown
            .Split('\n')
            .Select(line => line.Trim())
            .Where(line => line.Contains("Include=", StringComparison.Ordinal))
            .ToList();
        Assert.Contains(references, line => line.Contains("AgentLightning.Client.csproj", StringComparison.Ordinal));
        Assert.All(references, line => Assert.Contains(line, sample, StringComparison.Ordinal));
        Assert.Contains(
            "src/AgentLightning.Client",
            File.ReadAllText(Path.Combine(Repository.Root, "README.md")),
            StringComparison.Ordinal
        );
    }
}
