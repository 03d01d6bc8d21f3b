using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Episodes;

/// <summary>Takes secrets and personal data out of every text of an episode.</summary>
public static class EpisodeRedaction
{
    /// <summary>
    /// The episode as it may be stored, and how many parts were taken out of it. Ids and the names of models and answers cannot change; one
    /// that holds a secret fails the record.
    /// </summary>
    public static (Episode Episode, int Count) Apply(Redactor redactor, Episode episode)
    {
        CheckNames(redactor, episode);
        var texts = new RecordTexts();
        var input = texts.Add(episode.UserInput);
        var output = texts.Add(episode.AssistantOutput);
        var session = texts.Add(episode.SessionId);
        var correlation = texts.Add(episode.CorrelationId);
        var user = texts.Add(episode.UserId);
        var intent = texts.Add(episode.Intent);
        var persona = texts.Add(episode.Persona);
        var error = texts.Add(episode.Error);
        var calls = episode.ToolCalls.Select(call => ToolCallSlots.Of(texts, call)).ToArray();
        var messages = episode.Messages.Select(message => MessageSlots.Of(texts, message)).ToArray();
        var tags = episode.Tags.Select(texts.Add).ToArray();
        // As one text, because the name tells that the value of {"api_key": "x"} is secret.
        var metadata = texts.Add(episode.Metadata is null ? null : JsonSerializer.Serialize(episode.Metadata, LightningJson.Options));
        var redacted = texts.Redact(redactor, episode.AgentId);
        if (redacted.Count == 0)
        {
            return (episode, 0);
        }

        return (
            episode with
            {
                // Of the text as it came: the same input has the same key whatever is taken out of it. It is a hash and does not go back.
                InputKey = episode.InputKey ?? InputKeys.Of(episode.UserInput),
                UserInput = redacted[input]!,
                AssistantOutput = redacted[output]!,
                SessionId = Identifier(episode.SessionId, redacted[session]),
                CorrelationId = Identifier(episode.CorrelationId, redacted[correlation]),
                UserId = Identifier(episode.UserId, redacted[user]),
                Intent = redacted[intent],
                Persona = redacted[persona],
                Error = redacted[error],
                ToolCalls = [.. episode.ToolCalls.Zip(calls, (call, slots) => slots.Read(call, redacted))],
                Messages = [.. episode.Messages.Zip(messages, (message, slots) => slots.Read(message, redacted))],
                Tags = [.. tags.Select(tag => redacted[tag]!)],
                Metadata = redacted[metadata] is { } json
                    ? JsonSerializer.Deserialize<Dictionary<string, string>>(json, LightningJson.Options)
                    : null,
            },
            redacted.Count
        );

        string? Identifier(string? id, string? cleaned) => cleaned == id ? id : redactor.NameOfIdentifier(id!);
    }

    /// <summary>
    /// Ids and names cannot change without changing what they name: one that holds a secret is <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public static void CheckNames(Redactor redactor, Episode episode)
    {
        Check(episode.Id, "episode_id");
        Check(episode.AgentId, "agent_id");
        Check(episode.ModelDeployment, "model");
        Check(episode.Action, "action");
        Check(episode.MessageId, "message_id");
        Check(episode.TraceId, "trace_id");
        Check(episode.DeploymentId, "deployment_id");
        Check(episode.TrainingRunId, "training_run_id");
        Check(episode.InputKey, "input_key");
        foreach (var call in episode.ToolCalls)
        {
            Check(call.ToolName, "tool_name");
        }

        foreach (var message in episode.Messages)
        {
            Check(message.Role, "role");
            foreach (var call in message.ToolCalls ?? [])
            {
                Check(call.Name, "tool_name");
            }
        }

        void Check(string? value, string name) => redactor.CheckName(value, name, episode.AgentId);
    }

    /// <summary>Where the texts of a tool call are.</summary>
    private readonly record struct ToolCallSlots(RecordTexts.Slot Arguments, RecordTexts.Slot Result, RecordTexts.Slot Error)
    {
        public static ToolCallSlots Of(RecordTexts texts, EpisodeToolCall call) =>
            new(Arguments: texts.Add(call.Arguments), Result: texts.Add(call.Result), Error: texts.Add(call.Error));

        public EpisodeToolCall Read(EpisodeToolCall call, RecordTexts.Redacted redacted) =>
            call with
            {
                Arguments = redacted[Arguments],
                Result = redacted[Result],
                Error = redacted[Error],
            };
    }

    /// <summary>Where the texts of a message are.</summary>
    private readonly record struct MessageSlots(
        RecordTexts.Slot Content,
        RecordTexts.Slot Name,
        RecordTexts.Slot ToolCallId,
        (RecordTexts.Slot Id, RecordTexts.Slot Arguments)[] Calls
    )
    {
        public static MessageSlots Of(RecordTexts texts, EpisodeMessage message) =>
            new(
                Content: texts.Add(message.Content),
                Name: texts.Add(message.Name),
                ToolCallId: texts.Add(message.ToolCallId),
                Calls: [.. (message.ToolCalls ?? []).Select(call => (Id: texts.Add(call.Id), Arguments: texts.Add(call.Arguments)))]
            );

        public EpisodeMessage Read(EpisodeMessage message, RecordTexts.Redacted redacted) =>
            message with
            {
                Content = redacted[Content],
                Name = redacted[Name],
                ToolCallId = redacted[ToolCallId],
                ToolCalls = message.ToolCalls is null
                    ? null
                    :
                    [
                        .. message.ToolCalls.Zip(Calls, (call, slots) =>
                            call with
                            {
                                Id = redacted[slots.Id],
                                Arguments = redacted[slots.Arguments],
                            }
                        ),
                    ],
            };
    }
}
