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
        var texts = new List<string?>
        {
            episode.UserInput,
            episode.AssistantOutput,
            episode.SessionId,
            episode.CorrelationId,
            episode.UserId,
            episode.Intent,
            episode.Persona,
            episode.Error,
        };
        foreach (var call in episode.ToolCalls)
        {
            texts.AddRange([call.Arguments, call.Result, call.Error]);
        }

        foreach (var message in episode.Messages)
        {
            texts.AddRange([message.Content, message.Name, message.ToolCallId]);
            foreach (var call in message.ToolCalls ?? [])
            {
                texts.AddRange([call.Id, call.Arguments]);
            }
        }

        texts.AddRange(episode.Tags);
        // As one text, because the name tells that the value of {"api_key": "x"} is secret.
        texts.Add(episode.Metadata is null ? null : JsonSerializer.Serialize(episode.Metadata, LightningJson.Options));
        var redacted = redactor.RedactRecord(texts, episode.AgentId);
        if (redacted.Count == 0)
        {
            return (episode, 0);
        }

        var left = new Queue<string?>(redacted.Texts);
        return (
            episode with
            {
                // Of the text as it came: the same input has the same key whatever is taken out of it. It is a hash and does not go back.
                InputKey = episode.InputKey ?? InputKeys.Of(episode.UserInput),
                UserInput = left.Dequeue()!,
                AssistantOutput = left.Dequeue()!,
                SessionId = Identifier(episode.SessionId),
                CorrelationId = Identifier(episode.CorrelationId),
                UserId = Identifier(episode.UserId),
                Intent = left.Dequeue(),
                Persona = left.Dequeue(),
                Error = left.Dequeue(),
                ToolCalls =
                [
                    .. episode.ToolCalls.Select(call =>
                        call with
                        {
                            Arguments = left.Dequeue(),
                            Result = left.Dequeue(),
                            Error = left.Dequeue(),
                        }
                    ),
                ],
                Messages =
                [
                    .. episode.Messages.Select(message =>
                        message with
                        {
                            Content = left.Dequeue(),
                            Name = left.Dequeue(),
                            ToolCallId = left.Dequeue(),
                            ToolCalls = message.ToolCalls is null
                                ? null
                                : [.. message.ToolCalls.Select(call => call with { Id = left.Dequeue(), Arguments = left.Dequeue() })],
                        }
                    ),
                ],
                Tags = [.. episode.Tags.Select(_ => left.Dequeue()!)],
                Metadata = left.Dequeue() is { } metadata
                    ? JsonSerializer.Deserialize<Dictionary<string, string>>(metadata, LightningJson.Options)
                    : null,
            },
            redacted.Count
        );

        string? Identifier(string? id) => left.Dequeue() == id ? id : redactor.NameOfIdentifier(id!);
    }

    /// <summary>
    /// Ids and names cannot change without changing what they name: one that holds a secret is <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public static void CheckNames(Redactor redactor, Episode episode)
    {
        redactor.CheckName(episode.Id, "episode_id");
        redactor.CheckName(episode.AgentId, "agent_id");
        redactor.CheckName(episode.ModelDeployment, "model");
        redactor.CheckName(episode.Action, "action");
        redactor.CheckName(episode.MessageId, "message_id");
        redactor.CheckName(episode.TraceId, "trace_id");
        foreach (var call in episode.ToolCalls)
        {
            redactor.CheckName(call.ToolName, "tool_name");
        }

        foreach (var message in episode.Messages)
        {
            redactor.CheckName(message.Role, "role");
            foreach (var call in message.ToolCalls ?? [])
            {
                redactor.CheckName(call.Name, "tool_name");
            }
        }
    }
}
