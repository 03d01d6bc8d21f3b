using System.Runtime.CompilerServices;
using AgentLightning.Common;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Generation.Grammars;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Chat;

/// <summary>
/// A client of a model in this process. Functions are offered as the chat template says, and calls of them are told from the text; a call
/// that must be made is kept to the schema of the function. Options that it has no use for (penalties, JSON without a schema) are an error
/// and not ignored; a prompt that does not fit the context with its answer is one too.
/// </summary>
internal sealed class LocalChatClient(SharedModel model, TimeProvider clock, Random random) : IChatClient
{
    private readonly ChatClientMetadata _metadata = new(
        "local",
        defaultModelId: Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Options.Adapter ?? model.Options.Folder))
    );
    private volatile Shape? _shape;
    private int _disposed;

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        Check(options);
        var runner = await model.RentAsync(cancellationToken).ConfigureAwait(false);
        RunningRequest? request = null;
        try
        {
            var said = new ChatPrompt(runner.Tokenizer, model.Options.ChatTemplate);
            var tools = ToolChoice.Of(options);
            var prompt = said.Encode(messages, options?.Instructions, tools);
            var grammar = tools?.Required.Count > 0 ? GrammarOf(tools.CallSchema(said.Form)) : GrammarOf(options?.ResponseFormat);
            var reader = tools is null ? null : new ToolCallStream(said.Form, isCall: tools.Required.Count > 0);
            request = new RunningRequest(prompt, OptionsOf(options, grammar, runner.Context - prompt.Length));
            runner.Start(request);
            var (id, created) = ($"local-{Guid.CreateVersion7():N}", clock.GetUtcNow());
            await foreach (var text in request.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if ((reader?.Push(text) ?? text) is { Length: > 0 } sure)
                {
                    yield return Update(new TextContent(sure));
                }
            }

            var (rest, calls) = reader?.Finish() ?? ("", []);
            foreach (
                var content in calls
                    .Take(options?.AllowMultipleToolCalls == false ? 1 : int.MaxValue)
                    .Prepend<AIContent?>(rest.Length > 0 ? new TextContent(rest) : null)
                    .OfType<AIContent>()
            )
            {
                yield return Update(content);
            }

            var completion = request.Completion!;
            var usage = new UsageDetails
            {
                InputTokenCount = prompt.Length,
                OutputTokenCount = completion.TokenIds.Count,
                TotalTokenCount = prompt.Length + completion.TokenIds.Count,
            };
            var last = Update(new UsageContent(usage));
            last.FinishReason =
                calls.Count > 0 ? ChatFinishReason.ToolCalls
                : completion.FinishReason == FinishReason.Length ? ChatFinishReason.Length
                : ChatFinishReason.Stop;
            yield return last;

            ChatResponseUpdate Update(AIContent content) =>
                new(ChatRole.Assistant, [content])
                {
                    ResponseId = id,
                    MessageId = id,
                    CreatedAt = created,
                    ModelId = _metadata.DefaultModelId,
                };
        }
        finally
        {
            // Whoever stops reading stops the answer.
            request?.Cancel();
            model.Return();
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? _metadata
        : serviceType.IsInstanceOfType(this) ? this
        : null;

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
            { Tools.Count: > 0, ResponseFormat: ChatResponseFormatJson } when options.ToolMode is not NoneChatToolMode =>
                "a JSON schema beside tools",
            { Tools.Count: > 0, ToolMode: RequiredChatToolMode, StopSequences.Count: > 0 } =>
                "stop sequences beside a call that must be made",
            { FrequencyPenalty: not (null or 0) } => "a frequency penalty",
            { PresencePenalty: not (null or 0) } => "a presence penalty",
            { ResponseFormat: not (null or ChatResponseFormatText or ChatResponseFormatJson { Schema: not null }) } =>
                "a response format other than text and JSON of a schema",
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
        return format is ChatResponseFormatJson { Schema: { } schema } ? GrammarOf(schema.GetRawText()) : null;
    }

    private JsonGrammar GrammarOf(string text)
    {
        var shape = _shape;
        if (shape?.Text != text)
        {
            _shape = shape = new Shape(text, LanguageModel.Guard(() => JsonGrammar.Parse(text)));
        }

        return shape.Grammar;
    }

    private sealed record Shape(string Text, JsonGrammar Grammar);

    private GenerationOptions OptionsOf(ChatOptions? options, JsonGrammar? grammar, int room) =>
        new()
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
