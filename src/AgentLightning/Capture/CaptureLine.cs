using System.Buffers;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Rewards;

namespace AgentLightning.Capture;

/// <summary>A line of a batch: an episode or a reward, or why it is neither.</summary>
/// <param name="Number">Counted from 1.</param>
internal sealed record CaptureLine(int Number, EpisodeInput? Episode, RewardInput? Reward, LightningException? Problem)
{
    /// <summary>The id that the line gave.</summary>
    public string? Id => Episode?.Id ?? Reward?.RewardId;

    /// <summary>Reads a line of JSON.</summary>
    public static CaptureLine Parse(int number, in ReadOnlySequence<byte> line)
    {
        try
        {
            var type = LineType.Read(line);
            var reader = new Utf8JsonReader(line);
            return type switch
            {
                "episode" => new(number, JsonSerializer.Deserialize<EpisodeInput>(ref reader, LightningJson.Options)!, null, null),
                "reward" => new(number, null, JsonSerializer.Deserialize<RewardInput>(ref reader, LightningJson.Options)!, null),
                null => Wrong(number, "A line must be an object with a type, episode or reward, but it has none."),
                _ => Wrong(number, $"type must be episode or reward, but it is '{(type.Length > 40 ? type[..40] + "…" : type)}'."),
            };
        }
        catch (JsonException e)
        {
            return Wrong(
                number,
                e.Path is null or "$"
                    ? "The line cannot be read as JSON."
                    : $"The line is not the JSON that was expected: {LightningJson.Describe(e)}"
            );
        }
    }

    private static CaptureLine Wrong(int number, string problem) => new(number, null, null, LightningException.Invalid(problem));
}
