using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Server.Gateway;

/// <summary>Makes the episode of a call out of the bytes that went in and came out.</summary>
internal static class CallEpisode
{
    public static Episode Of(CallFacts facts, CallEnd end, ReadOnlyMemory<byte> request, ReadOnlyMemory<byte> answer)
    {
        using var asked = JsonDocument.Parse(request, new JsonDocumentOptions { MaxDepth = 256 });
        var input = RequestReading.Of(facts.Route, asked.RootElement);
        var output = AnswerReading.Of(facts.Route, answer.Span);
        var (tokens, unusable) = TokensOf(output);
        var calls = input.Calls.Concat(output.Calls.Select(call => new EpisodeToolCall(call.Name, call.Arguments, null, 0, null))).ToList();
        return new Episode
        {
            Id = facts.EpisodeId,
            AgentId = facts.AgentId,
            UserInput = input.Input,
            AssistantOutput = output.Text,
            CreatedAt = facts.CreatedAt,
            RequestLatencyMs = end.LatencyMs,
            TimeToFirstTokenMs = end.FirstTokenMs,
            Status = end.Status,
            Error = EpisodeTexts.Text(end.Error ?? output.Error),
            ModelDeployment = EpisodeTexts.Name(output.Model ?? facts.Model),
            DeploymentId = facts.ReleaseId,
            SessionId = facts.SessionId,
            UserId = facts.UserId,
            MessageId = EpisodeTexts.Id(output.Id),
            Messages = output.Message is { } message ? [.. input.Messages, message] : input.Messages,
            ToolCalls = calls,
            TokenUsage = output.Usage,
            Tokens = tokens,
            Metadata = Metadata(facts, end, input, output, unusable),
        };
    }

    /// <summary>
    /// Token ids are only of use when they are all there: an engine that loses some, as with calls of tools, would teach a model what
    /// nobody said.
    /// </summary>
    private static (EpisodeTokens? Tokens, string? Unusable) TokensOf(AnswerReading output)
    {
        if (output.CompletionIds is not { } completion)
        {
            return (null, null);
        }

        if (output.PromptIds is not { } prompt)
        {
            return (null, "ids of the answer came without those of the prompt");
        }

        // The count is of all choices together.
        if (output.Choices.Count == 0 && output.Usage is { } usage && usage.Completion != completion.Count)
        {
            return (null, $"{completion.Count} ids came for {usage.Completion} tokens");
        }

        if (output.Usage is { } read && read.Prompt != prompt.Count)
        {
            return (null, $"{prompt.Count} ids of the prompt came for {read.Prompt} tokens");
        }

        var logs = output.LogProbabilities is { } found && found.Count == completion.Count && found.All(log => log <= 0) ? found : null;
        return (new EpisodeTokens(prompt, completion, logs), null);
    }

    private static Dictionary<string, string> Metadata(
        CallFacts facts,
        CallEnd end,
        RequestReading input,
        AnswerReading output,
        string? unusable
    )
    {
        var metadata = new Dictionary<string, string> { ["source"] = "gateway", ["route"] = facts.Route.Path()[1..] };
        Add("upstream", facts.Upstream);
        Add("response_id", output.Id);
        Add("finish_reason", output.FinishReason);
        Add("experiment_id", facts.ExperimentId);
        Add("variant", facts.Variant);
        Add("tools", input.Tools);
        Add("attempts", end.Attempts > 1 ? $"{end.Attempts}" : null);
        Add("truncated", end.Truncated ? "true" : null);
        Add("malformed_events", output.Malformed > 0 ? $"{output.Malformed}" : null);
        Add("other_choices", output.Choices.Count > 0 ? JsonSerializer.Serialize(output.Choices, LightningJson.Options) : null);
        Add("token_ids_unusable", unusable);
        Add(
            "log_probabilities",
            output is { CompletionIds: null, LogProbabilities: { Count: > 0 } logs } && logs.TrueForAll(double.IsFinite)
                ? JsonSerializer.Serialize(logs)
                : null
        );
        return metadata;

        void Add(string name, string? value)
        {
            if (EpisodeTexts.Text(value) is { Length: > 0 } text)
            {
                metadata[name] = text;
            }
        }
    }
}
