using System.Globalization;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Feedback;

/// <summary>What is known of an answer when a reward is computed for it. What is not known changes nothing.</summary>
/// <param name="ResponseLength">Characters (Unicode code points) of the answer.</param>
/// <param name="IntentMatch">Whether the agent's classifier found out what the user wanted.</param>
/// <param name="UsedContext">Whether the answer was made with context that was looked up.</param>
/// <param name="IntentConfidence">How sure that classifier was, 0…1.</param>
/// <param name="SuggestedActions">Whether the answer offered next steps.</param>
public sealed record ResponseSignals(
    int? ResponseLength = null,
    bool IntentMatch = false,
    bool UsedContext = false,
    double? IntentConfidence = null,
    bool SuggestedActions = false
)
{
    /// <summary>Metadata key of an episode: <c>true</c> or <c>false</c>, whether context was used.</summary>
    public const string ContextUsedKey = "context_used";

    /// <summary>
    /// Metadata key: the sources of context, a JSON list as a rule; where <see cref="ContextUsedKey"/> is not given, having any means that
    /// context was used.
    /// </summary>
    public const string ContextSourcesKey = "context_sources";

    /// <summary>Metadata key: a number 0…1.</summary>
    public const string IntentConfidenceKey = "intent_confidence";

    /// <summary>Metadata key: the suggested actions, a JSON list as a rule, or <c>true</c>.</summary>
    public const string SuggestedActionsKey = "suggested_actions";

    /// <summary>What an episode tells of its answer. Once retention has removed the text its length is not known any more.</summary>
    public static ResponseSignals Of(Episode episode)
    {
        var metadata = episode.Metadata;
        return new ResponseSignals(
            episode.PayloadRemoved ? null : TextLength.Of(episode.AssistantOutput),
            episode.Intent is not null,
            HasAny(Value(metadata, ContextUsedKey) ?? Value(metadata, ContextSourcesKey)),
            double.TryParse(Value(metadata, IntentConfidenceKey), NumberStyles.Float, CultureInfo.InvariantCulture, out var confidence)
                ? confidence
                : null,
            HasAny(Value(metadata, SuggestedActionsKey))
        );
    }

    private static string? Value(IReadOnlyDictionary<string, string>? metadata, string key) =>
        metadata is not null && metadata.TryGetValue(key, out var value) ? value : null;

    private static bool HasAny(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return false;
        }

        try
        {
            using var json = JsonDocument.Parse(value);
            return json.RootElement.ValueKind switch
            {
                JsonValueKind.Array => json.RootElement.GetArrayLength() > 0,
                JsonValueKind.Object => json.RootElement.EnumerateObject().Any(),
                JsonValueKind.String => json.RootElement.GetString()!.Length > 0,
                JsonValueKind.Number => json.RootElement.GetDouble() != 0,
                _ => json.RootElement.ValueKind is JsonValueKind.True,
            };
        }
        catch (JsonException)
        {
            // A bare word: True as Python writes it, or the name of the only source.
            return !value.Trim().Equals("false", StringComparison.OrdinalIgnoreCase)
                && !value.Trim().Equals("none", StringComparison.OrdinalIgnoreCase);
        }
    }
}

/// <summary>How the conversation went on after an answer.</summary>
/// <param name="ImmediateClarification">The user had to ask at once what was meant.</param>
/// <param name="NaturalContinuation">The user went on from the answer.</param>
public sealed record ConversationSignals(bool ImmediateClarification = false, bool NaturalContinuation = false);
