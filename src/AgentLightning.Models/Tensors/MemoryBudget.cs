using System.Globalization;

namespace AgentLightning.Models.Tensors;

/// <summary>Refuses what the machine cannot hold before any of it is allocated.</summary>
internal static class MemoryBudget
{
    /// <exception cref="InvalidDataException">There is less memory than that, counting what the process may have at most.</exception>
    /// <param name="most">What may be taken; null is all the process can have.</param>
    /// <param name="help">A sentence on what to do about it, with a space before it; or nothing.</param>
    public static void Check(string what, double bytes, long? most = null, string help = "")
    {
        var available = most ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
        {
            throw new InvalidDataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what} would take {bytes / 1e9:F3} GB, but this process can have {available / 1e9:F3} GB.{help}"
                )
            );
        }
    }
}
