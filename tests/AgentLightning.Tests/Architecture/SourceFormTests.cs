using AgentLightning.Testing;

namespace AgentLightning.Tests.Architecture;

/// <summary>What every source file looks like. CSharpier does it; what it cannot break (comments, texts) is held here.</summary>
public sealed class SourceFormTests
{
    private const int Longest = 140;

    [Fact]
    public void Lines_of_the_product_end_at_140_characters()
    {
        var tooLong =
            from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            from line in File.ReadLines(file).Select((text, index) => (Text: text, Number: index + 1))
            where line.Text.Length > Longest
            select $"{Path.GetRelativePath(Repository.Root, file)}:{line.Number} has {line.Text.Length} characters";

        Assert.Empty(tooLong);
    }
}
