using AgentLightning.Common;
using AgentLightning.Engine.Backends;
using AgentLightning.Training;

namespace AgentLightning.Engine.Tuned;

/// <summary>Finds the folders of base models by their names.</summary>
/// <param name="environment">Reads environment variables, for the cache of Hugging Face libraries.</param>
public sealed class ModelCatalog(ModelOptions options, Func<string, string?> environment)
{
    /// <summary>
    /// The folder of a model: under its name in the folder of models or in the cache of Hugging Face libraries, or where paths are allowed,
    /// the path that it is named by.
    /// </summary>
    /// <exception cref="LightningException">There is none; the message says where it was looked for.</exception>
    public string Find(string name) =>
        TryFind(name)
        ?? throw LightningException.NotFound(
            $"The base model '{OneLine.Of(name)}' was not found: it is neither a folder with config.json in "
                + $"{Path.GetFullPath(options.Folder)} nor in the cache {new ModelLocator(environment).Cache}. Bring it here with "
                + $"'lightning model pull', or set models.folder to where it is. There is: {Listed()}."
        );

    /// <summary>The same, or null where there is none.</summary>
    public string? TryFind(string name)
    {
        if (IsName(name) && IsModel(Path.Combine(options.Folder, name)))
        {
            return Path.GetFullPath(Path.Combine(options.Folder, name));
        }

        if (options.AllowPaths && IsModel(name))
        {
            return Path.GetFullPath(name);
        }

        return IsName(name) ? new ModelLocator(environment).TryFindInCache(name) : null;
    }

    /// <summary>The name by which a model is found again: its own, or for one that was named by a path that.</summary>
    public string NameOf(string name) => options.AllowPaths && !IsName(name) ? Path.GetFullPath(name) : name;

    /// <summary>Models in the folder of models, in order.</summary>
    public IReadOnlyList<string> Names() =>
        Directory.Exists(options.Folder)
            ?
            [
                .. Directory
                    .EnumerateDirectories(options.Folder)
                    .Where(IsModel)
                    .Select(folder => Path.GetFileName(folder)!)
                    .Order(StringComparer.Ordinal),
            ]
            : [];

    private string Listed() => Names() is { Count: > 0 } names ? string.Join(", ", names) : "none";

    /// <summary>At most two parts, as Hugging Face names models, none of which leads out of the folder.</summary>
    private static bool IsName(string name) =>
        name.Split('/') is { Length: <= 2 } parts
        && parts.All(part => part.Length > 0 && part.Trim('.').Length > 0 && part.IndexOfAny(Path.GetInvalidFileNameChars()) < 0);

    private static bool IsModel(string folder) => File.Exists(Path.Combine(folder, "config.json"));
}
