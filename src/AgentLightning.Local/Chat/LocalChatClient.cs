using System.Runtime.CompilerServices;
using AgentLightning.Common;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Generation.Grammars;
using Microsoft.Extensions.AI;

namespace AgentLightning.Local.Chat;

/// <summary>
/// A client of a model in this process. Options that it has no use for (tools, penalties, JSON without a schema) are an error and not ignored; a prompt that does not fit
/// the context with its answer is one too.
/// </summary>
internal sealed class LocalChatClient(SharedModel model, TimeProvider clock, Random random) : IChatClient
{
    private readonly ChatClientMetadata _metadata = new("local", defaultModelId: Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Options.Adapter ?? model.Options.Folder)));
    private volatile Shape? _shape;
    private int _disposed;

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        Check(options);
        var runner = await model.RentAsync(cancellationToken).ConfigureAwait(false);
        RunningRequest? request = null;
        try
        {
            var prompt = ChatPrompt.Encode(runner.Tokenizer, model.Options.ChatTemplate, messages, options?.Instructions);
            var grammar = GrammarOf(options?.ResponseFormat);
            request = new RunningRequest(prompt, OptionsOf(options, grammar, runner.Context - prompt.Length));
            runner.Start(request);
            var (id, created) = ($"local-{Guid.CreateVersion7():N}", clock.GetUtcNow());
            await foreach (var text in request.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return Update(new TextContent(text));
            }

            var completion = request.Completion!;
            var usage = new UsageDetails { InputTokenCount = prompt.Length, OutputTokenCount = completion.TokenIds.Count, TotalTokenCount = prompt.Length + completion.TokenIds.Count };
            var last = Update(new UsageContent(usage));
            last.FinishReason = completion.FinishReason == FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
            yield return last;

            ChatResponseUpdate Update(AIContent content) => new(ChatRole.Assistant, [content]) { ResponseId = id, MessageId = id, CreatedAt = created, ModelId = _metadata.DefaultModelId };
        }
        finally
        {
            // Whoever stops reading stops the answer.
            request?.Cancel();
            model.Return();
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            model.RemoveClient();
        }
    }

    private static void Check(ChatOptions? options)
    {
        string? unknown = options switch
        {
            { Tools.Count: > 0 } when options.ToolMode is not NoneChatToolMode => "tools",
            { FrequencyPenalty: not (null or 0) } => "a frequency penalty",
            { PresencePenalty: not (null or 0) } => "a presence penalty",
            { ResponseFormat: not (null or ChatResponseFormatText or ChatResponseFormatJson { Schema: not null }) } => "a response format other than text and JSON of a schema",
            { ResponseFormat: ChatResponseFormatJson, StopSequences.Count: > 0 } => "stop sequences beside a JSON schema",
            _ => null,
        };
        if (unknown is not null)
        {
            throw LightningException.Invalid($"A local model cannot be given {unknown}. Leave it out, or use another back end.");
        }
    }

    /// <summary>The last one is kept, because most applications ask for one shape again and again.</summary>
    private JsonGrammar? GrammarOf(ChatResponseFormat? format)
    {
        if (format is not ChatResponseFormatJson { Schema: { } schema })
        {
            return null;
        }

        var (text, shape) = (schema.GetRawText(), _shape);
        if (shape?.Text != text)
        {
            _shape = shape = new Shape(text, LanguageModel.Guard(() => JsonGrammar.Parse(schema)));
        }

        return shape.Grammar;
    }

    private sealed record Shape(string Text, JsonGrammar Grammar);

    private GenerationOptions OptionsOf(ChatOptions? options, JsonGrammar? grammar, int room) => new()
    {
        MaxTokens = options?.MaxOutputTokens ?? Math.Max(1, Math.Min(model.Options.MaxOutputTokens, room)),
        Temperature = options?.Temperature ?? 1,
        TopP = options?.TopP ?? 1,
        TopK = options?.TopK ?? 0,
        Seed = options?.Seed ?? random.NextInt64(),
        Grammar = grammar,
        Stop = options?.StopSequences is { } stop ? [.. stop] : [],
    };
}
