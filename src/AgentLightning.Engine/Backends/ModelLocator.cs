using AgentLightning.Common;

namespace AgentLightning.Engine.Backends;

/// <summary>Finds the folder of a model: by its path, or by its name in the cache that Hugging Face libraries share.</summary>
internal sealed class ModelLocator(Func<string, string?> environment)
{
    /// <summary>Where the cache is: <c>HF_HUB_CACHE</c>, or <c>hub</c> in <c>HF_HOME</c>, or <c>~/.cache/huggingface/hub</c>.</summary>
    public string Cache
    {
        get
        {
            if (environment("HF_HUB_CACHE") is { Length: > 0 } cache)
            {
                return cache;
            }

            var home = environment("HF_HOME") is { Length: > 0 } set
                ? set
                : Path.Combine(
                    environment("XDG_CACHE_HOME") is { Length: > 0 } caches
                        ? caches
                        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
                    "huggingface"
                );
            return Path.Combine(home, "hub");
        }
    }

    /// <exception cref="LightningException">There is no such model.</exception>
    public string Find(string model)
    {
        if (File.Exists(Path.Combine(model, "config.json")))
        {
            return Path.GetFullPath(model);
        }

        if (TryFindInCache(model) is { } cached)
        {
            return cached;
        }

        var name = OneLine.Of(model);
        throw LightningException.NotFound(
            $"The model '{name}' was not found: it is neither a folder with config.json nor in the cache {Cache}. Bring it here with "
                + $"'lightning model pull {name}' and name its folder."
        );
    }

    /// <summary>The folder of a model in the cache, or null.</summary>
    public string? TryFindInCache(string model)
    {
        if (
            !model.Contains("..", StringComparison.Ordinal)
            && model.Split('/') is { Length: <= 2 } parts
            && parts.All(part => part.Length > 0 && part.IndexOfAny(Path.GetInvalidFileNameChars()) < 0)
        )
        {
            var repository = Path.Combine(Cache, $"models--{string.Join("--", parts)}");
            var reference = Path.Combine(repository, "refs", "main");
            var commit = File.Exists(reference) ? File.ReadAllText(reference).Trim() : "";
            var snapshot = Path.Combine(repository, "snapshots", commit);
            if (commit.Length > 0 && commit.All(char.IsAsciiLetterOrDigit) && File.Exists(Path.Combine(snapshot, "config.json")))
            {
                return snapshot;
            }
        }

        return null;
    }
}
