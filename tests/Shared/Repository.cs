namespace AgentLightning.Testing;

/// <summary>The repository that the tests were built from.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "AgentLightning.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"No AgentLightning.slnx above '{AppContext.BaseDirectory}'.");
        }

        return folder.FullName;
    }
}
