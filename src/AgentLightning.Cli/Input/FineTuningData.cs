using AgentLightning.Common;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Cli.Input;

/// <summary>What a language model is trained on, and what is held out to see whether it learns more than that by heart.</summary>
internal sealed record FineTuningData(IReadOnlyList<TokenExample> Examples, IReadOnlyList<TokenExample> HeldOut)
{
    /// <summary>Reads files, or all .md and .txt files of folders, and divides the examples when nothing is given to hold out.</summary>
    /// <param name="rewardTemperature">What rewards are divided by where examples have them.</param>
    /// <param name="share">Of the examples that are held out, 0 up to 1; not used with <paramref name="heldOut"/>.</param>
    public static FineTuningData Read(
        ExampleReader reader,
        IEnumerable<FileSystemInfo> data,
        IReadOnlyCollection<FileSystemInfo> heldOut,
        double share,
        long seed,
        float rewardTemperature
    )
    {
        TokenExample[] examples = [.. data.SelectMany(FilesOf).SelectMany(Read)];
        if (heldOut.Count > 0)
        {
            return new FineTuningData(RewardWeights.Apply(examples, rewardTemperature), [.. heldOut.SelectMany(FilesOf).SelectMany(Read)]);
        }

        var held = (int)Math.Round(share * examples.Length);
        new SeededRandom(seed, -1).Shuffle<TokenExample>(examples);
        return new FineTuningData(RewardWeights.Apply(examples[held..], rewardTemperature), examples[..held]);

        IEnumerable<TokenExample> Read(string path)
        {
            TextFile.Check(path);
            return reader.Read(path);
        }
    }

    private static IEnumerable<string> FilesOf(FileSystemInfo place)
    {
        if (File.Exists(place.FullName))
        {
            return [place.FullName];
        }

        if (!Directory.Exists(place.FullName))
        {
            throw LightningException.Invalid(
                $"There is no file or folder '{place.FullName}'. Give JSON lines, a text file, or a folder of .md and .txt files."
            );
        }

        string[] files =
        [
            .. Directory
                .EnumerateFiles(place.FullName, "*", SearchOption.AllDirectories)
                .Where(file => Path.GetExtension(file) is ".md" or ".txt")
                .Order(StringComparer.Ordinal),
        ];
        return files.Length > 0 ? files : throw LightningException.Invalid($"'{place.FullName}' holds no .md or .txt file.");
    }
}
