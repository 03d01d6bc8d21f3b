using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Datasets;

/// <summary>What a person says of a data set, as it may be stored. A name is never part of a path.</summary>
internal static class DatasetNames
{
    private const int LongestText = 100_000;

    public static string Check(Redactor redactor, string name, string agentId)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > Ids.LongestName || name.Any(char.IsControl))
        {
            throw LightningException.Invalid(
                $"name must have 1 to {Ids.LongestName} characters and no control characters, but it "
                    + (string.IsNullOrWhiteSpace(name) ? "is empty." : $"has {name.Length} characters.")
            );
        }

        return redactor.CheckName(name, "name", agentId)!;
    }

    public static string? Text(Redactor redactor, string? text, string agentId) =>
        text is null ? null
        : text.Length <= LongestText ? redactor.Redact(text, agentId)
        : throw LightningException.Invalid($"A text must have up to {LongestText} characters, but one has {text.Length}.");
}
