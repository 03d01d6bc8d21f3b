namespace AgentLightning.Testing;

/// <summary>
/// Real data that is not part of the product: <c>LIGHTNING_SHARED_DATA</c>, or <c>../shared/data</c> beside the repository.
/// </summary>
public static class SharedData
{
    /// <summary>The path of a file, or a visible skip where it is absent.</summary>
    public static string Require(string name)
    {
        var folder = Environment.GetEnvironmentVariable("LIGHTNING_SHARED_DATA") ?? Path.Combine(Repository.Root, "..", "shared", "data");
        var path = Path.GetFullPath(Path.Combine(folder, name));
        Assert.SkipUnless(
            File.Exists(path),
            $"needs {name} of the shared data; there is no '{path}'. Set LIGHTNING_SHARED_DATA to its folder."
        );
        return path;
    }
}
