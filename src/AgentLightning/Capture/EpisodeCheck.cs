using System.Globalization;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Capture;

/// <summary>
/// Makes an episode of what a client sent. What cannot be right is <see cref="ErrorKind.Invalid"/> and names the field, the value and the
/// range.
/// </summary>
internal static class EpisodeCheck
{
    /// <summary>Characters of one text; what is longer is a file and no message.</summary>
    public const int LongestText = 4_000_000;

    private const int MostParts = 10_000;
    private const int MostTokens = 1_000_000;

    /// <summary>31 days: long work is fine, a number of nanoseconds is not.</summary>
    private const double LongestMs = 31 * 86_400_000.0;

    /// <summary>The episode. One of an agent that the scope is not for is <see cref="ErrorKind.Forbidden"/>.</summary>
    public static Episode ToEpisode(EpisodeInput input, Scope scope, DateTimeOffset now)
    {
        if (input.AgentId is null || input.UserInput is null)
        {
            throw LightningException.Invalid("agent_id and user_input are required.");
        }

        var metadata = Metadata(input.Metadata);
        var createdAt = input.CreatedAt ?? now;
        if (createdAt < DateTimeOffset.UnixEpoch)
        {
            throw LightningException.Invalid($"created_at must be from 1970 on, but it is {createdAt.UtcDateTime:O}.");
        }

        createdAt = EpisodeBounds.Time(createdAt, now, ref metadata);
        var agentId = scope.Agent(Ids.Check(input.AgentId, "agent_id"), "");
        return new Episode
        {
            Id = input.Id is null ? Ids.New(now) : EpisodeIds.CheckGiven(input.Id, agentId),
            AgentId = agentId,
            UserInput = Text(input.UserInput, "user_input")!,
            AssistantOutput = Text(input.AssistantOutput, "assistant_output") ?? "",
            CreatedAt = createdAt,
            RequestLatencyMs = Milliseconds(input.RequestLatencyMs, "request_latency_ms") ?? 0,
            Status = input.Status is null ? EpisodeStatus.Succeeded : EnumText.Parse<EpisodeStatus>(input.Status, "status"),
            ModelDeployment = Ids.CheckName(input.ModelDeployment, "model_deployment"),
            DeploymentId = Ids.CheckName(input.DeploymentId, "deployment_id"),
            SessionId = Ids.CheckName(input.SessionId, "session_id"),
            UserId = Ids.CheckName(input.UserId, "user_id"),
            MessageId = MessageId(input.MessageId),
            TraceId = TraceId(input.TraceId),
            CorrelationId = Ids.CheckName(input.CorrelationId, "correlation_id"),
            Intent = Ids.CheckName(input.Intent, "intent"),
            Persona = Ids.CheckName(input.Persona, "persona"),
            Error = Text(input.Error, "error"),
            TimeToFirstTokenMs = Milliseconds(input.TimeToFirstTokenMs, "time_to_first_token_ms"),
            Internal = input.Internal ?? false,
            Action = Ids.CheckName(input.Action, "action"),
            ActionLogProbability = LogProbability(input.ActionLogProbability, "action_log_probability"),
            InputKey = Ids.CheckName(input.InputKey, "input_key"),
            ToolCalls = Parts(input.ToolCalls, "tool_calls", MostParts, (call, name) =>
            {
                Required(call.ToolName, $"{name}.tool_name");
                Text(call.Arguments, $"{name}.arguments");
                Text(call.Result, $"{name}.result");
                Text(call.Error, $"{name}.error");
                Milliseconds(call.DurationMs, $"{name}.duration_ms");
            }),
            Messages = Parts(input.Messages, "messages", MostParts, CheckMessage),
            Tokens = Tokens(input.Tokens),
            Tags = Parts(input.Tags, "tags", Ids.LongestName, (tag, name) => Required(tag, name)),
            TokenUsage = Usage(input.TokenUsage),
            Metadata = metadata,
        };
    }

    private static void CheckMessage(EpisodeMessage message, string name)
    {
        Required(message.Role, $"{name}.role");
        Text(message.Content, $"{name}.content");
        Ids.CheckName(message.Name, $"{name}.name");
        Ids.CheckName(message.ToolCallId, $"{name}.tool_call_id");
        Parts(message.ToolCalls, $"{name}.tool_calls", MostParts, (call, of) =>
        {
            Required(call.Name, $"{of}.name");
            Ids.CheckName(call.Id, $"{of}.id");
            Text(call.Arguments, $"{of}.arguments");
        });
    }

    private static EpisodeTokens? Tokens(EpisodeTokens? tokens)
    {
        if (tokens is null)
        {
            return null;
        }

        if (tokens.PromptIds is null || tokens.CompletionIds is null)
        {
            throw LightningException.Invalid("tokens needs prompt_ids and completion_ids.");
        }

        Count(tokens.PromptIds.Count, "tokens.prompt_ids", MostTokens);
        Count(tokens.CompletionIds.Count, "tokens.completion_ids", MostTokens);
        if (tokens.PromptIds.Concat(tokens.CompletionIds).Any(id => id < 0))
        {
            throw LightningException.Invalid(
                $"tokens must hold ids from 0, but it holds {tokens.PromptIds.Concat(tokens.CompletionIds).First(id => id < 0)}."
            );
        }

        if (tokens.CompletionLogProbabilities is { } logs)
        {
            if (logs.Count != tokens.CompletionIds.Count)
            {
                throw LightningException.Invalid(
                    $"tokens.completion_log_probabilities must be as long as completion_ids ({tokens.CompletionIds.Count}), but it holds "
                        + $"{logs.Count}."
                );
            }

            foreach (var log in logs)
            {
                LogProbability(log, "tokens.completion_log_probabilities");
            }
        }

        return tokens;
    }

    private static TokenUsage? Usage(TokenUsage? usage) =>
        usage is { } counts && Math.Min(counts.Prompt, Math.Min(counts.Completion, counts.Total)) < 0
            ? throw LightningException.Invalid(
                $"token_usage must be counts from 0, but it is {counts.Prompt}, {counts.Completion} and {counts.Total}."
            )
            : usage;

    private static Dictionary<string, string>? Metadata(IReadOnlyDictionary<string, JsonElement>? metadata)
    {
        if (metadata is null)
        {
            return null;
        }

        Count(metadata.Count, "metadata", Ids.LongestName);
        var texts = new Dictionary<string, string>(metadata.Count);
        foreach (var (name, value) in metadata)
        {
            Ids.CheckName(name, "a name in metadata");
            texts[name] = Text(value.ValueKind == JsonValueKind.String ? String(value) : value.GetRawText(), "metadata")!;
        }

        return texts;
    }

    private static string? String(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException e)
        {
            throw new LightningException(ErrorKind.Invalid, "metadata holds a text that is none: half a surrogate pair.", e);
        }
    }

    private static List<T> Parts<T>(IReadOnlyList<T?>? parts, string name, int most, Action<T, string> check)
        where T : class
    {
        Count(parts?.Count ?? 0, name, most);
        var whole = new List<T>(parts?.Count ?? 0);
        foreach (var part in parts ?? [])
        {
            check(
                part ?? throw LightningException.Invalid($"{name} must not hold null, but item {whole.Count} is."),
                $"{name}[{whole.Count}]"
            );
            whole.Add(part);
        }

        return whole;
    }

    private static void Count(int count, string name, int most)
    {
        if (count > most)
        {
            throw LightningException.Invalid($"{name} must hold 0 to {most} items, but it holds {count}.");
        }
    }

    private static void Required(string? value, string name)
    {
        if (string.IsNullOrEmpty(Ids.CheckName(value, name)))
        {
            throw LightningException.Invalid($"{name} must be 1 to {Ids.LongestName} characters, but it is empty.");
        }
    }

    private static string? Text(string? value, string name)
    {
        if (value?.Length > LongestText)
        {
            throw LightningException.Invalid($"{name} must be at most {LongestText} characters, but it has {value.Length}.");
        }

        return value?.IndexOf('\0', StringComparison.Ordinal) is >= 0 and var at
            ? throw LightningException.Invalid($"{name} cannot hold the character U+0000, but it does at position {at}. Leave it out.")
            : value;
    }

    /// <summary>Feedback and scores name an episode by it.</summary>
    private static string? MessageId(string? value) =>
        string.IsNullOrEmpty(Ids.CheckName(value, "message_id")) ? value : Ids.CheckAddressable(value, "message_id");

    private static string? TraceId(string? value) =>
        value is null || (value.Length == 32 && value.All(char.IsAsciiHexDigit))
            ? value?.ToLowerInvariant()
            : throw LightningException.Invalid($"trace_id must be 32 hexadecimal digits, but it has {value.Length} characters.");

    private static double? Milliseconds(double? value, string name) => Number(value, name, 0, LongestMs);

    private static double? LogProbability(double? value, string name) => Number(value, name, -1e6, 0);

    private static double? Number(double? value, string name, double least, double most) =>
        value is null || (value >= least && value <= most)
            ? value
            : throw LightningException.Invalid(
                string.Create(CultureInfo.InvariantCulture, $"{name} must be a number from {least} to {most}, but it is {value}.")
            );
}
