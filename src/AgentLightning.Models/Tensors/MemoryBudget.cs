namespace AgentLightning.Models.Tensors;

/// <summary>Refuses what the machine cannot hold before any of it is allocated.</summary>
internal static class MemoryBudget
{
    /// <exception cref="InvalidDataException">There is less memory than that, counting what the process may have at most.</exception>
    public static void Check(string what, double bytes)
    {
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
        {
            throw new InvalidDataException($"{what} would take {bytes / 1e9:F1} GB, but this process can have {available / 1e9:F1} GB.");
        }
    }
}
