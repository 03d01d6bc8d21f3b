using System.Buffers;
using System.ClientModel.Primitives;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Triage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

// The adapter's way back to OpenAI's form is marked as new; the clients of OpenAI in the tests hold it to what they read.
#pragma warning disable OPENAI001

namespace AgentLightning.Server.Gateway;

/// <summary>A model or a policy of this process, which answers calls of chat in OpenAI's form.</summary>
internal abstract class LocalAnswers(string model)
{
    /// <summary>As answers name it.</summary>
    public string Model { get; } = model;

    /// <summary>Answers, whole or as a stream, and keeps the answer for capture.</summary>
    /// <param name="ending">Called before the caller can see the end.</param>
    public async Task AnswerAsync(
        ModelRoute route,
        ModelRequest request,
        HttpResponse response,
        CallCapture? capture,
        FirstByte first,
        Action ending,
        CancellationToken cancellationToken
    )
    {
        if (route != ModelRoute.Chat)
        {
            throw GatewayException.Invalid(
                $"'{request.Model}' is answered in this process, which takes chat completions (/v1/chat/completions) and no other calls.",
                "model"
            );
        }

        var (messages, options) = ChatRequestReading.Read(request.Body);
        if (!request.Stream)
        {
            var answer = await AnswerAsync(messages, options, cancellationToken);
            answer.ModelId ??= Model;
            answer.ResponseId ??= NewId(answer.CreatedAt);
            answer.CreatedAt ??= DateTimeOffset.UtcNow;
            var body = ModelReaderWriter.Write(answer.AsOpenAIChatCompletion()).ToMemory();
            capture?.Add(body.Span);
            response.ContentType = "application/json";
            response.ContentLength = body.Length;
            ending();
            await response.BodyWriter.WriteAsync(body, cancellationToken);
            return;
        }

        await StreamAsync(messages, options, response, capture, first, ending, cancellationToken);
    }

    protected abstract Task<ChatResponse> AnswerAsync(List<ChatMessage> messages, ChatOptions options, CancellationToken cancellationToken);

    protected abstract IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        List<ChatMessage> messages,
        ChatOptions options,
        CancellationToken cancellationToken
    );

    private async Task StreamAsync(
        List<ChatMessage> messages,
        ChatOptions options,
        HttpResponse response,
        CallCapture? capture,
        FirstByte first,
        Action ending,
        CancellationToken cancellationToken
    )
    {
        var (id, created) = (NewId(null), DateTimeOffset.UtcNow);
        var updates = StreamAsync(messages, options, cancellationToken)
            .Select(update =>
            {
                // One answer has one id, whatever its pieces say.
                (update.ResponseId, update.ModelId, update.CreatedAt) = (id, update.ModelId ?? Model, created);
                return update;
            });
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        var writer = response.BodyWriter;
        await foreach (var piece in updates.AsOpenAIStreamingChatCompletionUpdatesAsync(cancellationToken))
        {
            var data = ModelReaderWriter.Write(piece).ToMemory();
            capture?.Add("data: "u8);
            capture?.Add(data.Span);
            capture?.Add("\n\n"u8);
            writer.Write("data: "u8);
            writer.Write(data.Span);
            writer.Write("\n\n"u8);
            first.Mark();
            await writer.FlushAsync(cancellationToken);
        }

        writer.Write("data: [DONE]\n\n"u8);
        ending();
        await writer.FlushAsync(cancellationToken);
    }

    private static string NewId(DateTimeOffset? at) =>
        $"chatcmpl-{Ids.New(at ?? DateTimeOffset.UtcNow).Replace("-", "", StringComparison.Ordinal)}";
}

/// <summary>A language model.</summary>
internal sealed class ModelAnswers(string model, IChatClient client) : LocalAnswers(model)
{
    protected override Task<ChatResponse> AnswerAsync(
        List<ChatMessage> messages,
        ChatOptions options,
        CancellationToken cancellationToken
    ) => client.GetResponseAsync(messages, options, cancellationToken);

    protected override IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        List<ChatMessage> messages,
        ChatOptions options,
        CancellationToken cancellationToken
    ) => client.GetStreamingResponseAsync(messages, options, cancellationToken);
}

/// <summary>A policy of texts: the label is the answer.</summary>
internal sealed class PolicyAnswers(string model, ITriagePolicy policy) : LocalAnswers(model)
{
    protected override Task<ChatResponse> AnswerAsync(
        List<ChatMessage> messages,
        ChatOptions options,
        CancellationToken cancellationToken
    ) =>
        Task.FromResult(
            new ChatResponse(new ChatMessage(ChatRole.Assistant, LabelOf(messages)))
            {
                FinishReason = Microsoft.Extensions.AI.ChatFinishReason.Stop,
            }
        );

    protected override async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        List<ChatMessage> messages,
        ChatOptions options,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        foreach (var update in (await AnswerAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    private string LabelOf(List<ChatMessage> messages)
    {
        var text = messages.FindLast(message => message.Role == ChatRole.User)?.Text;
        if (string.IsNullOrWhiteSpace(text))
        {
            throw GatewayException.Invalid("messages must end with a text of the user, which is what is classified.", "messages");
        }

        Span<float> logs = policy.Categories.Count <= 256 ? stackalloc float[policy.Categories.Count] : new float[policy.Categories.Count];
        return policy.Categories[policy.Score(new FeedbackTask(text).Checked(), logs)];
    }
}
