using System.Text;
using System.Text.Json;

namespace AgentLightning.Cli.Output;

/// <summary>What an agent was asked, for a line of a list: where it is an object, as triage takes it, what its texts say.</summary>
internal static class InputText
{
    private const string Cut = "...";

    /// <summary>The texts of an object, the first first; another input as it is.</summary>
    /// <param name="input">Perhaps cut off, as lists of episodes are.</param>
    public static string Of(string input)
    {
        if (!input.StartsWith('{'))
        {
            return input;
        }

        var json = input.EndsWith(Cut, StringComparison.Ordinal) ? input[..^Cut.Length] : input;
        // Of an object that was cut off in a text, what there is of it counts as well.
        var texts = TextsOf(json + "\"}") is [_, ..] completed ? completed : TextsOf(json);
        return texts.Count > 0 ? string.Join(" · ", texts) : input;
    }

    /// <summary>The texts of the first level, as far as it can be read.</summary>
    private static List<string> TextsOf(string json)
    {
        var texts = new List<string>();
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), isFinalBlock: false, default);
        try
        {
            while (reader.Read())
            {
                if (reader is { TokenType: JsonTokenType.String, CurrentDepth: 1 } && reader.GetString() is { Length: > 0 } text)
                {
                    texts.Add(text);
                }
            }
        }
        catch (JsonException)
        {
            // What was read so far is what can be told.
        }

        return texts;
    }
}
