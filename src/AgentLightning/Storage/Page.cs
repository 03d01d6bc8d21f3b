using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>What all pages of lists have in common.</summary>
internal static class Page
{
    public const int Most = 1_000;

    public static void CheckLimit(int limit)
    {
        if (limit is < 1 or > Most)
        {
            throw LightningException.Invalid($"limit must be from 1 to {Most}, but it is {limit}.");
        }
    }
}
