using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;

namespace AgentLightning.Models.Loops;

/// <summary>
/// A run on disk: <c>journal.jsonl</c>, a line per update and evaluation, and <c>checkpoint/</c> with what is trained, both moments and the number of updates, from
/// which the run goes on as if it had not stopped. A checkpoint is there whole or not at all.
/// </summary>
public sealed class RunFolder(string path)
{
    private const string StateFile = "state.safetensors";
    private static readonly JsonSerializerOptions s_lines = new() { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Where it is.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(path);

    private string Journal => System.IO.Path.Combine(Path, "journal.jsonl");

    private string Checkpoint => System.IO.Path.Combine(Path, "checkpoint");

    /// <summary>The lines of the journal. One that was cut off while it was written does not count.</summary>
    public IReadOnlyList<FineTuningEvent> ReadJournal() =>
        File.Exists(Journal) ? [.. File.ReadAllText(Journal).Split('\n').SkipLast(1).Select(line => JsonSerializer.Deserialize<FineTuningEvent>(line)!)] : [];

    internal void Write(FineTuningEvent line)
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

    internal Task SaveAsync(ParameterOptimizer optimizer, string fingerprint, CancellationToken cancellationToken) => AtomicFolder.WriteAsync(Checkpoint, async folder =>
    {
        using var file = new SafeTensorsFile();
        file.Metadata["step"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture);
        file.Metadata["fingerprint"] = fingerprint;
        foreach (var parameter in optimizer.Parameters)
        {
            file.Add(parameter.Name, "F32", [.. parameter.Shape], parameter.Count * sizeof(float), (stream, token) => ParameterLoader.WriteAsync(parameter, Tensors.StoredType.F32, stream, token));
            foreach (var second in (bool[])[false, true])
            {
                var bytes = optimizer.Moment(parameter, second).Length;
                file.Add(MomentName(parameter, second), "F32", [bytes / sizeof(float)], bytes, (stream, _) =>
                {
                    stream.Write(optimizer.Moment(parameter, second));
                    return Task.CompletedTask;
                });
            }
        }

        var target = new FileStream(System.IO.Path.Combine(folder, StateFile), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20, useAsync: true);
        await using (target.ConfigureAwait(false))
        {
            await file.WriteAsync(target, cancellationToken).ConfigureAwait(false);
            target.Flush(flushToDisk: true);
        }
    });

    /// <summary>Brings parameters and optimizer to where the checkpoint was, and the journal too. Returns false, and changes nothing, when there is none.</summary>
    internal bool TryLoad(ParameterOptimizer optimizer, string fingerprint)
    {
        AtomicFolder.Recover(Checkpoint);
        var path = System.IO.Path.Combine(Checkpoint, StateFile);
        if (!File.Exists(path))
        {
            return false;
        }

        using var file = SafeTensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault("fingerprint") is var seen && seen != fingerprint)
        {
            throw new InvalidDataException($"{path}: the run was begun with other examples, options or layers (its fingerprint is {seen}, and would be {fingerprint}). Go on with those, or begin a new run.");
        }

        if (!int.TryParse(file.Metadata.GetValueOrDefault("step"), NumberStyles.None, CultureInfo.InvariantCulture, out var steps))
        {
            throw new InvalidDataException($"{path}: the metadata 'step' should be a whole number, but it is '{file.Metadata.GetValueOrDefault("step")}'.");
        }

        // All of it is read before any of it is used.
        var values = optimizer.Parameters.Select(parameter => (Parameter: parameter, Values: file.Singles(parameter.Name, [.. parameter.Shape]),
            First: file.Singles(MomentName(parameter, false), parameter.StoredCount), Second: file.Singles(MomentName(parameter, true), parameter.StoredCount))).ToList();
        foreach (var (parameter, numbers, first, second) in values)
        {
            parameter.Write(0, numbers);
            MemoryMarshal.AsBytes<float>(first).CopyTo(optimizer.Moment(parameter, second: false));
            MemoryMarshal.AsBytes<float>(second).CopyTo(optimizer.Moment(parameter, second: true));
        }

        optimizer.Steps = steps;
        if (File.Exists(Journal))
        {
            // Lines after the checkpoint are written again.
            File.WriteAllText(Journal, string.Concat(ReadJournal().Where(line => line.Step <= steps).Select(line => JsonSerializer.Serialize(line, s_lines) + "\n")));
        }

        return true;
    }

    private static string MomentName(Parameter parameter, bool second) => $"{(second ? "second" : "first")}_moment.{parameter.Name}";
}
