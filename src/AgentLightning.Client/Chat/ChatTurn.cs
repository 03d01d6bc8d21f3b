using System.Text.Json;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Chat;

internal enum ChatPartKind
{
    Text,
    Reasoning,
    Call,
    Result,
    Data,
    Uri,
    Error,
    Other,
}

/// <summary>A part of a message as it was when it was seen: nothing in it changes when the application goes on.</summary>
/// <param name="Id">Of the tool call.</param>
/// <param name="Text">Text, name of the tool, media type, or what kind of part it is.</param>
/// <param name="Value">Arguments as pairs, the result, or the length of data.</param>
internal readonly record struct ChatPart(ChatPartKind Kind, string? Id, string? Text, object? Value = null, string? Error = null);

/// <summary>A message as it was when it was seen.</summary>
/// <param name="Text">All of it, where it is one text.</param>
/// <param name="Parts">All of it otherwise.</param>
internal readonly record struct ChatTurn(string Role, string? Author, string? MessageId, string? Text, ChatPart[]? Parts)
{
    public static ChatTurn Of(ChatMessage message)
    {
        var contents = message.Contents;
        if (contents.Count == 1 && contents[0] is TextContent only)
        {
            return new ChatTurn(message.Role.Value, message.AuthorName, message.MessageId, only.Text, null);
        }

        var parts = new ChatPart[contents.Count];
        var count = 0;
        foreach (var content in contents)
        {
            if (count < parts.Length && TryPart(content, out var part))
            {
                parts[count++] = part;
            }
        }

        return new ChatTurn(
            message.Role.Value,
            message.AuthorName,
            message.MessageId,
            null,
            count == parts.Length ? parts : parts[..count]
        );
    }

    /// <summary>False for what is no part of the conversation, such as usage.</summary>
    public static bool TryPart(AIContent content, out ChatPart part)
    {
        part = content switch
        {
            TextContent text => new ChatPart(ChatPartKind.Text, null, text.Text),
            TextReasoningContent reasoning => new ChatPart(ChatPartKind.Reasoning, null, reasoning.Text),
            FunctionCallContent call => new ChatPart(
                ChatPartKind.Call,
                call.CallId,
                call.Name,
                Freeze(call.Arguments),
                ErrorOf(call.Exception)
            ),
            FunctionResultContent result => new ChatPart(
                ChatPartKind.Result,
                result.CallId,
                null,
                Freeze(result.Result),
                ErrorOf(result.Exception)
            ),
            DataContent data => new ChatPart(ChatPartKind.Data, null, data.MediaType, data.Data.Length),
            UriContent uri => new ChatPart(ChatPartKind.Uri, null, uri.Uri.OriginalString, uri.MediaType),
            ErrorContent error => new ChatPart(ChatPartKind.Error, null, error.Message),
            _ => new ChatPart(ChatPartKind.Other, null, content.GetType().Name),
        };
        return content is not UsageContent;
    }

    public static string? ErrorOf(Exception? exception) => exception is null ? null : $"{exception.GetType().Name}: {exception.Message}";

    /// <summary>Characters that it keeps in memory, about.</summary>
    public int Length()
    {
        var length = 64 + (Text?.Length ?? 0);
        foreach (var part in Parts ?? [])
        {
            length += 64 + (part.Text?.Length ?? 0) + ((part.Value as string ?? (part.Value as RawJson)?.Text)?.Length ?? 64);
        }

        return length;
    }

    private static KeyValuePair<string, object?>[]? Freeze(IDictionary<string, object?>? arguments)
    {
        if (arguments is null or { Count: 0 })
        {
            return null;
        }

        var pairs = new KeyValuePair<string, object?>[arguments.Count];
        arguments.CopyTo(pairs, 0);
        for (var i = 0; i < pairs.Length; i++)
        {
            if (!IsFrozen(pairs[i].Value))
            {
                pairs[i] = new(pairs[i].Key, Freeze(pairs[i].Value));
            }
        }

        return pairs;
    }

    /// <summary>An object of the application is written on its own thread: nobody else may read it while it changes.</summary>
    private static object? Freeze(object? value)
    {
        if (IsFrozen(value))
        {
            return value;
        }

        try
        {
            return new RawJson(JsonSerializer.Serialize(value, ChatJson.Options));
        }
        catch (Exception)
        {
            // Cycles, throwing getters, types without a contract: the call is worth keeping without this value.
            return $"[{value!.GetType().Name}]";
        }
    }

    private static bool IsFrozen(object? value) =>
        value is null or string or JsonElement or bool or int or long or double or float or decimal or Guid or DateTime or DateTimeOffset;
}

/// <summary>JSON that was written already.</summary>
internal sealed record RawJson(string Text);
