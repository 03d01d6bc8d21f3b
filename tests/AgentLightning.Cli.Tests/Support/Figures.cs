using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>What must be the same when something is done twice.</summary>
public static class Figures
{
    /// <summary>The seed of every test that measures how well something is learned.</summary>
    public const string MeasuredSeed = "7";

    /// <summary>The JSON of a demo without the time it took.</summary>
    public static string Of(Outcome demo)
    {
        var json = JsonNode.Parse(demo.Json().GetRawText())!.AsObject();
        Assert.True(json.Remove("seconds"));
        return json.ToJsonString();
    }

    /// <summary>Every file of a folder with the hash of its content.</summary>
    public static string[] FilesOf(string folder) =>
        [
            .. Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .Select(file => $"{Path.GetRelativePath(folder, file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}"),
        ];
}
