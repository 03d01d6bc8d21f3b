using AgentLightning.Common;

namespace AgentLightning.Training;

/// <summary>Which language models of this machine may be trained and served.</summary>
public sealed record ModelOptions
{
    /// <summary>
    /// The folder that holds a folder for each model, under the name by which runs and requests name it; <c>models</c> in the current
    /// folder by default. Models in the cache of Hugging Face libraries have their names there.
    /// </summary>
    public string Folder { get; init; } = "models";

    /// <summary>
    /// Whether a model may also be named by the path of its folder: false by default, since whoever may send requests to a server need not
    /// be allowed to read its disk.
    /// </summary>
    public bool AllowPaths { get; init; }

    /// <summary>Tuned models that are kept in memory while nobody uses them, 0…64; 4 by default.</summary>
    public int MostLoaded { get; init; } = 4;

    internal void Validate()
    {
        if (string.IsNullOrWhiteSpace(Folder))
        {
            throw LightningException.Invalid($"models.folder must name a folder, but it is '{Folder}'.");
        }

        if (MostLoaded is < 0 or > 64)
        {
            throw LightningException.Invalid($"models.most_loaded must be from 0 to 64, but it is {MostLoaded}.");
        }
    }
}
