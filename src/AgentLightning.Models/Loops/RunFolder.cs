using System.Globalization;
using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;

namespace AgentLightning.Models.Loops;

/// <summary>
/// A run on disk: <c>journal.jsonl</c>, a line per update and evaluation, and <c>checkpoint/</c> with what is trained, both moments and the
/// number of updates, from which the run goes on as if it had not stopped. A checkpoint is there whole or not at all.
/// </summary>
public sealed class RunFolder(string path)
{
    private const string ElsewhereFile = "elsewhere.json";
    private static readonly JsonSerializerOptions s_lines = new()
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Where it is.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>Asked after each step whether a checkpoint is due, beside those after a number of steps; null for never.</summary>
    public Func<bool>? IsDue { get; init; }

    /// <summary>Called after each checkpoint, when it is there whole, with the steps made; null for nobody.</summary>
    public Func<int, CancellationToken, Task>? Saved { get; init; }

    private string Journal => System.IO.Path.Combine(Path, "journal.jsonl");

    private string Checkpoint => System.IO.Path.Combine(Path, "checkpoint");

    /// <summary>The lines of the journal. One that was cut off while it was written does not count.</summary>
    public IReadOnlyList<FineTuningEvent> ReadJournal() => ReadJournal<FineTuningEvent>();

    /// <summary>The same for runs of another kind.</summary>
    /// <exception cref="InvalidDataException">A whole line is not what it should be.</exception>
    public IReadOnlyList<T> ReadJournal<T>() => [.. Lines().Select((line, i) => Parse<T>(line, i))];

    /// <summary>Takes the folder for this process until it is disposed of, so that no two runs write to it.</summary>
    /// <exception cref="InvalidDataException">Another run is going on in it.</exception>
    internal IDisposable Take()
    {
        Directory.CreateDirectory(Path);
        try
        {
            return new FileStream(System.IO.Path.Combine(Path, "run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new InvalidDataException($"{Path}: another run is going on in this folder. Wait for it, or give another folder.", e);
        }
    }

    internal void Write<T>(T line)
    {
        Directory.CreateDirectory(Path);
        File.AppendAllText(Journal, JsonSerializer.Serialize(line, s_lines) + "\n");
    }

    /// <summary>Begins a new run; what an earlier one left there goes.</summary>
    internal void Clear()
    {
        if (!Directory.Exists(Path))
        {
            return;
        }

        File.Delete(Journal);
        foreach (var folder in (string[])[Checkpoint, Checkpoint + ".old", Checkpoint + ".new"])
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    internal Task SaveAsync(ParameterOptimizer optimizer, string fingerprint, CancellationToken cancellationToken) =>
        SaveAsync(optimizer, fingerprint, null, cancellationToken);

    /// <param name="state">What the loop knows beside; null when that is the number of updates only.</param>
    internal async Task SaveAsync(ParameterOptimizer optimizer, string fingerprint, RunState? state, CancellationToken cancellationToken)
    {
        var step = state?.Step ?? optimizer.Steps;
        await AtomicFolder.WriteAsync(Checkpoint, WriteAsync).ConfigureAwait(false);
        await (Saved?.Invoke(step, cancellationToken) ?? Task.CompletedTask).ConfigureAwait(false);

        async Task WriteAsync(string folder)
        {
            using var file = new SafeTensorsFile();
            file.Metadata["step"] = step.ToString(CultureInfo.InvariantCulture);
            file.Metadata["fingerprint"] = fingerprint;
            foreach (var (name, values) in state?.Numbers ?? new Dictionary<string, float[]>())
            {
                file.Add(RunState.Prefix + name, values, values.Length);
            }

            OptimizerState.AddTo(file, optimizer);
            await OptimizerState.WriteAsync(file, folder, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Whether a checkpoint is to be written after a step.</summary>
    /// <param name="every">Steps between checkpoints; 0 for none of these.</param>
    internal bool MustSave(int step, int every) => (every > 0 && step % every == 0) || IsDue?.Invoke() == true;

    /// <summary>Remembers where on another machine a run was saved.</summary>
    internal Task SaveAsync(SavedElsewhere saved, CancellationToken cancellationToken) =>
        AtomicFolder.WriteAsync(Checkpoint, folder =>
            File.WriteAllTextAsync(
                System.IO.Path.Combine(folder, ElsewhereFile),
                JsonSerializer.Serialize(saved, s_lines),
                cancellationToken
            )
        );

    /// <summary>
    /// Brings parameters and optimizer to where the checkpoint was, and the journal too. Returns false, and changes nothing, when there is
    /// none.
    /// </summary>
    internal bool TryLoad(ParameterOptimizer optimizer, string fingerprint) => TryLoad(optimizer, fingerprint, out _);

    /// <summary>The same, with what else was saved.</summary>
    internal bool TryLoad(ParameterOptimizer optimizer, string fingerprint, out RunState state)
    {
        state = new RunState(0, new Dictionary<string, float[]>());
        AtomicFolder.Recover(Checkpoint);
        var path = System.IO.Path.Combine(Checkpoint, OptimizerState.FileName);
        if (!File.Exists(path))
        {
            return false;
        }

        using var file = SafeTensorsFile.Open(path);
        CheckFingerprint(path, file.Metadata.GetValueOrDefault("fingerprint"), fingerprint);
        var step = OptimizerState.Whole(file, "step", path);
        // All of it is read before any of it is used.
        var bringBack = OptimizerState.Read(file, optimizer, path);
        state = new RunState(
            step,
            file.Names.Where(name => name.StartsWith(RunState.Prefix, StringComparison.Ordinal))
                .ToDictionary(name => name[RunState.Prefix.Length..], name => file.Singles(name, [.. file.ShapeOf(name)]))
        );
        bringBack();
        CutJournal(step);
        return true;
    }

    /// <summary>
    /// Says where on another machine the run was saved, and cuts the journal back to there; null, and nothing changes, when it was not.
    /// </summary>
    internal SavedElsewhere? TryLoadElsewhere(string fingerprint)
    {
        AtomicFolder.Recover(Checkpoint);
        var path = System.IO.Path.Combine(Checkpoint, ElsewhereFile);
        if (!File.Exists(path))
        {
            return null;
        }

        SavedElsewhere saved;
        try
        {
            saved = JsonSerializer.Deserialize<SavedElsewhere>(File.ReadAllText(path), s_lines)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: not what a run saves: {e.Message}", e);
        }

        CheckFingerprint(path, saved.Fingerprint, fingerprint);
        CutJournal(saved.Step);
        return saved;
    }

    private static void CheckFingerprint(string path, string? seen, string fingerprint)
    {
        if (seen != fingerprint)
        {
            throw new InvalidDataException(
                $"{path}: the run was begun with other examples, options or layers (its fingerprint is {seen}, and would be "
                    + $"{fingerprint}). Go on with those, or begin a new run."
            );
        }
    }

    /// <summary>Lines after the checkpoint are written again.</summary>
    private void CutJournal(int step)
    {
        if (File.Exists(Journal))
        {
            File.WriteAllText(
                Journal,
                string.Concat(
                    Lines()
                        .Where((line, i) => Parse<JsonElement>(line, i).GetProperty("step").GetInt32() <= step)
                        .Select(line => line + "\n")
                )
            );
        }
    }

    private IEnumerable<string> Lines() => File.Exists(Journal) ? File.ReadAllText(Journal).Split('\n').SkipLast(1) : [];

    private T Parse<T>(string line, int index)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(line, s_lines)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{Journal}, line {index + 1}: not a line of a journal: {e.Message}", e);
        }
    }
}
