using System.Globalization;
using System.Runtime.InteropServices;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;

namespace AgentLightning.Models.Loops;

/// <summary>What is trained, both moments and the number of updates, in a file of tensors.</summary>
internal static class OptimizerState
{
    public const string FileName = "state.safetensors";

    /// <summary>Adds all of it to a file that is going to be written.</summary>
    public static void AddTo(SafeTensorsFile file, ParameterOptimizer optimizer)
    {
        file.Metadata["updates"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture);
        foreach (var parameter in optimizer.Parameters)
        {
            file.Add(parameter.Name, "F32", [.. parameter.Shape], parameter.Count * sizeof(float), (stream, token) =>
                ParameterLoader.WriteAsync(parameter, Tensors.StoredType.F32, stream, token)
            );
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
    }

    /// <summary>Reads all of it, and only then gives what brings it back.</summary>
    /// <exception cref="InvalidDataException">Something is missing or of another shape.</exception>
    public static Action Read(SafeTensorsFile file, ParameterOptimizer optimizer, string path)
    {
        var updates = Whole(file, "updates", path);
        var values = optimizer
            .Parameters.Select(parameter =>
                (
                    Parameter: parameter,
                    Values: file.Singles(parameter.Name, [.. parameter.Shape]),
                    First: file.Singles(MomentName(parameter, false), parameter.StoredCount),
                    Second: file.Singles(MomentName(parameter, true), parameter.StoredCount)
                )
            )
            .ToList();
        return () =>
        {
            foreach (var (parameter, numbers, first, second) in values)
            {
                parameter.Write(0, numbers);
                MemoryMarshal.AsBytes<float>(first).CopyTo(optimizer.Moment(parameter, second: false));
                MemoryMarshal.AsBytes<float>(second).CopyTo(optimizer.Moment(parameter, second: true));
            }

            optimizer.Steps = updates;
        };
    }

    /// <summary>Writes all of it to a folder.</summary>
    public static async Task WriteAsync(ParameterOptimizer optimizer, string folder, CancellationToken cancellationToken)
    {
        using var file = new SafeTensorsFile();
        AddTo(file, optimizer);
        await WriteAsync(file, folder, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes a file to a folder, and waits until the disk has it.</summary>
    public static async Task WriteAsync(SafeTensorsFile file, string folder, CancellationToken cancellationToken)
    {
        var target = new FileStream(
            Path.Combine(folder, FileName),
            FileMode.CreateNew,
            FileAccess.Write,
            FileShare.None,
            1 << 20,
            useAsync: true
        );
        await using (target.ConfigureAwait(false))
        {
            await file.WriteAsync(target, cancellationToken).ConfigureAwait(false);
            target.Flush(flushToDisk: true);
        }
    }

    /// <summary>Brings all of it back from a folder.</summary>
    public static void Read(ParameterOptimizer optimizer, string folder)
    {
        var path = Path.Combine(folder, FileName);
        using var file = SafeTensorsFile.Open(path);
        Read(file, optimizer, path)();
    }

    public static int Whole(SafeTensorsFile file, string name, string path) =>
        int.TryParse(file.Metadata.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new InvalidDataException(
                $"{path}: the metadata '{name}' should be a whole number, but it is '{file.Metadata.GetValueOrDefault(name)}'."
            );

    private static string MomentName(Parameter parameter, bool second) => $"{(second ? "second" : "first")}_moment.{parameter.Name}";
}
