using System.Text.RegularExpressions;
using AgentLightning.Testing;

namespace AgentLightning.Tests.Architecture;

/// <summary>The token comes last, so that a caller sees at once whether it was passed on.</summary>
public sealed partial class CancellationTests
{
    [Fact]
    public void The_cancellation_token_is_the_last_parameter()
    {
        var source = Path.Combine(Repository.Root, "src");
        var early =
            from file in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            where TokenBeforeAnother().IsMatch(File.ReadAllText(file))
            select Path.GetRelativePath(source, file).Replace('\\', '/');

        Assert.Empty(early);
    }

    /// <summary>A parameter list of its own behind it can only be the last.</summary>
    [GeneratedRegex(@"[(,]\s*(?:\[EnumeratorCancellation\] )?CancellationToken \w+(?: = default)?,(?!\s*params )")]
    private static partial Regex TokenBeforeAnother();
}
