using System.Text.Json;

namespace AgentLightning.Cli.Output;

/// <summary>What an agent was asked, for a line of a list: where it is an object, as triage takes it, what its texts say.</summary>
internal static class InputText
{
    /// <summary>The texts of an object, the first first; another input as it is.</summary>
    /// <param name="input">Perhaps cut off, as lists of episodes are.</param>
    public static string Of(string input)
    {
        if (!input.StartsWith('{'))
        {
            return input;
        }

        var texts = new List<string>();
        var cut = input.EndsWith("...", StringComparison.Ordinal) ? input[..^3] : input;
        // Of an object that was cut off, the text that it was cut off in counts as well.
        foreach (var end in (string[])["", "\"}", "}", "\\\"}"])
        {
            texts.Clear();
            if (TryRead(cut + end, texts))
            {
                return texts.Count > 0 ? string.Join(" · ", texts) : input;
            }
        }

        return input;
    }

    private static bool TryRead(string json, List<string> texts)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            texts.AddRange(
                document
                    .RootElement.EnumerateObject()
                    .Where(property => property.Value.ValueKind == JsonValueKind.String)
                    .Select(property => property.Value.GetString()!)
                    .Where(text => text.Length > 0)
            );
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
