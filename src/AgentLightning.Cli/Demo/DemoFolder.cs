using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Cli.Demo;

/// <summary>
/// The folder of a demo: <c>lightning.db</c>, <c>lightning.artifacts</c> and <c>demo.json</c>, which tells what is done.
/// A finished demo is replaced by the next; an unfinished one goes on; anything else is left alone, with an error that says what it is.
/// </summary>
internal sealed class DemoFolder(string path)
{
    private string StatePath => Path.Combine(path, "demo.json");

    public string StorePath => Path.Combine(path, "lightning.db");

    /// <summary>The state to go on from: a new one, or that of an unfinished demo with the same options.</summary>
    public async Task<DemoState> PrepareAsync(DemoOptions options, Func<Task<long>> countEpisodes)
    {
        var fresh = new DemoState
        {
            Seed = options.Seed,
            Method = options.Method,
            Source = options.Source,
        };
        if (File.Exists(path))
        {
            throw LightningException.Invalid($"'{path}' is a file. Give a folder with --out.");
        }

        if (!Directory.Exists(path) || !Directory.EnumerateFileSystemEntries(path).Any())
        {
            return Begin(fresh);
        }

        if (options.Overwrite)
        {
            CheckIsDemo();
            return Begin(fresh);
        }

        var found = Read();
        if (found.Episodes is { } written)
        {
            var now = await countEpisodes();
            return now == written
                ? Begin(fresh)
                : throw LightningException.Conflict(
                    $"'{path}' holds a finished demo and {now - written} episodes that came later. Give another folder with --out, or "
                        + $"replace all of it with --overwrite."
                );
        }

        return found.Seed == options.Seed && found.Method == options.Method && found.Source == options.Source
            ? found
            : throw LightningException.Conflict(
                $"'{path}' holds an unfinished demo (seed {found.Seed}, {found.Source}, from {EnumText.Of(found.Method)}). Repeat it with "
                    + $"the same options to go on, give another folder with --out, or replace it with --overwrite."
            );
    }

    /// <summary>Writes the state, whole or not at all.</summary>
    public void Save(DemoState state)
    {
        var temporary = StatePath + ".tmp";
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(state, LightningJson.Indented));
        File.Move(temporary, StatePath, overwrite: true);
    }

    private DemoState Begin(DemoState state)
    {
        Directory.CreateDirectory(path);
        StoreFiles.Delete(new LightningOptions { Store = StorePath });
        Save(state);
        return state;
    }

    private DemoState Read()
    {
        CheckIsDemo();
        DemoState? state;
        try
        {
            state = JsonSerializer.Deserialize<DemoState>(File.ReadAllBytes(StatePath), LightningJson.Options);
        }
        catch (JsonException e)
        {
            throw new LightningException(
                ErrorKind.Corrupt,
                $"'{StatePath}' cannot be read: {e.Message} Give another folder with --out, or replace the demo with --overwrite.",
                e
            );
        }

        if (state is not { Done: not null, Slices: not null, TrainingRewards: not null, ServingRewards: not null, Source: not null })
        {
            throw new LightningException(
                ErrorKind.Corrupt,
                $"'{StatePath}' is not the note of a demo. Give another folder with --out, or replace the demo with --overwrite."
            );
        }

        if (state.Done.Count > 0 && !File.Exists(StorePath))
        {
            throw new LightningException(
                ErrorKind.Corrupt,
                $"'{path}' is half a demo: demo.json says that {state.Done.Count} steps are done, but lightning.db is missing. Give "
                    + $"another folder with --out, or replace the demo with --overwrite."
            );
        }

        return state;
    }

    private void CheckIsDemo()
    {
        if (!File.Exists(StatePath))
        {
            var what = File.Exists(StorePath)
                ? "half a demo, or another store: lightning.db is there, but demo.json is missing"
                : "something that is not a demo";
            throw new LightningException(
                ErrorKind.Corrupt,
                $"'{path}' holds {what}. Give another folder with --out, or remove this one yourself."
            );
        }
    }
}
