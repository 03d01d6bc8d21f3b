using System.Text;
using AgentLightning.Common;
using Microsoft.Extensions.AI;
using OpenAI.Chat;

namespace AgentLightning.Engine.OpenAi;

/// <summary>A streamed answer as it comes. Calls of tools come in pieces and are given when they are whole.</summary>
internal sealed class OpenAiStream
{
    private readonly SortedDictionary<int, (string Id, string Name, StringBuilder Arguments)> _calls = [];
    private StreamingChatCompletionUpdate? _last;
    private bool _finished;

    public ChatResponseUpdate Read(StreamingChatCompletionUpdate update)
    {
        _last = update;
        foreach (var piece in update.ToolCallUpdates)
        {
            var (id, name, arguments) = _calls.TryGetValue(piece.Index, out var known) ? known : ("", "", new StringBuilder());
            arguments.Append(piece.FunctionArgumentsUpdate?.ToString());
            _calls[piece.Index] = (
                piece.ToolCallId is { Length: > 0 } newId ? newId : id,
                piece.FunctionName is { Length: > 0 } newName ? newName : name,
                arguments
            );
        }

        var given = Update(update);
        given.Contents = [.. update.ContentUpdate.Where(part => part.Text is { Length: > 0 }).Select(part => new TextContent(part.Text))];
        if (update.RefusalUpdate is { Length: > 0 } refusal)
        {
            given.Contents.Add(new ErrorContent(refusal) { ErrorCode = "refusal" });
        }

        if (update.FinishReason is { } reason)
        {
            _finished = true;
            given.FinishReason = OpenAiResponse.ReasonOf(reason);
        }

        if (update.Usage is { } usage)
        {
            given.Contents.Add(new UsageContent(OpenAiResponse.UsageOf(usage)));
        }

        return given;
    }

    /// <summary>The calls of tools, when all has come; null when there are none.</summary>
    /// <exception cref="LightningException">The stream ended before the answer did.</exception>
    public ChatResponseUpdate? End(OpenAiOptions options, string model)
    {
        if (!_finished)
        {
            throw new LightningException(ErrorKind.Unavailable, $"{model} at {options.BaseUrl} ended its answer before it was finished.");
        }

        if (_calls.Count == 0)
        {
            return null;
        }

        var given = Update(_last!);
        given.Contents = [.. _calls.Values.Select(call => OpenAiResponse.CallOf(call.Id, call.Name, call.Arguments.ToString()))];
        return given;
    }

    private static ChatResponseUpdate Update(StreamingChatCompletionUpdate update) =>
        new()
        {
            Role = ChatRole.Assistant,
            ResponseId = update.CompletionId,
            MessageId = update.CompletionId,
            ModelId = update.Model,
            CreatedAt = update.CreatedAt,
            RawRepresentation = update,
        };
}
