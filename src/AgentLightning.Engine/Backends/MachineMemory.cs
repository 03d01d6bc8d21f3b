using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Engine.Backends;

/// <summary>What a model needs to be loaded, in bytes; 0 where nobody knows.</summary>
/// <param name="Ram">Memory of the machine: twice the weights.</param>
/// <param name="Vram">Memory of a graphics card that would hold it: the weights.</param>
public readonly record struct MemoryRequirements(long Ram, long Vram);

/// <summary>Refuses a model before it is loaded when the machine cannot hold it.</summary>
/// <param name="available">Tells the memory that is free; null for that of this machine.</param>
/// <param name="video">Tells the memory of the first graphics card, all of it, or null where there is none; null for that of this
/// machine.</param>
public sealed class MachineMemory(Func<long>? available = null, Func<long?>? video = null)
{
    private const double Gigabyte = 1L << 30;
    private static readonly Lazy<long?> s_video = new(ReadVideo);

    /// <summary>Bytes that a program can still have.</summary>
    public long Available => available?.Invoke() ?? ReadAvailable();

    /// <summary>Bytes of the first graphics card, used ones too; null without one.</summary>
    public long? Video => video is null ? s_video.Value : video();

    /// <exception cref="LightningException">There is less than that.</exception>
    public void EnsureRam(long required)
    {
        var free = Available;
        if (required > free)
        {
            throw new LightningException(ErrorKind.Unavailable, $"{Show(required)} system memory required, but only {Show(free)} detected");
        }
    }

    /// <summary>0 when a graphics card has as much as is needed; −1, the processor, when there is none and nothing is needed.</summary>
    /// <exception cref="LightningException">A card with so much is needed, and there is none.</exception>
    public int PickDevice(long? minimum = null) =>
        Video switch
        {
            { } memory when memory >= (minimum ?? 0) => 0,
            null when minimum is null => -1,
            var memory => throw new LightningException(
                ErrorKind.Unavailable,
                $"{Show(minimum ?? 0)} VRAM required, but only {Show(memory ?? 0)} detected"
            ),
        };

    /// <summary>From the sizes of a folder's weights: those in safetensors, or where there are none, those in <c>.bin</c>.</summary>
    public static MemoryRequirements RequirementsOf(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return default;
        }

        var size = SizeOf("*.safetensors");
        size = size > 0 ? size : SizeOf("*.bin");
        return new MemoryRequirements(2 * size, size);

        // A file in the cache is a link to its content.
        long SizeOf(string pattern) =>
            new DirectoryInfo(folder)
                .EnumerateFiles(pattern)
                .Sum(file => (file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file).Length);
    }

    private static string Show(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / Gigabyte:F1}GB");

    private static long ReadAvailable()
    {
        var limits = GC.GetGCMemoryInfo();
        const string Meminfo = "/proc/meminfo",
            Label = "MemAvailable:";
        return
            File.Exists(Meminfo)
            && File.ReadLines(Meminfo).FirstOrDefault(line => line.StartsWith(Label, StringComparison.Ordinal)) is { } line
            && long.TryParse(
                line[Label.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(),
                CultureInfo.InvariantCulture,
                out var kilobytes
            )
            ? Math.Min(kilobytes * 1024, limits.TotalAvailableMemoryBytes)
            : Math.Max(0, limits.TotalAvailableMemoryBytes - limits.MemoryLoadBytes);
    }

    private static long? ReadVideo()
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo("nvidia-smi", ["--query-gpu=memory.total", "--format=csv,noheader,nounits", "--id=0"])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            );
            var megabytes = process!.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 && long.TryParse(megabytes.Trim(), CultureInfo.InvariantCulture, out var size) ? size << 20 : null;
        }
        catch (Win32Exception)
        {
            // The program comes with the driver: without it there is no card that could be used.
            return null;
        }
    }
}
