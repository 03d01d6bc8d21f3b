using System.ClientModel;
using System.ClientModel.Primitives;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;

namespace AgentLightning.Engine.OpenAi;

/// <summary>
/// A chat client of any OpenAI-compatible server: plain and streamed answers, tools, images, JSON schemas, usage. Safe for many threads at
/// once.
/// </summary>
/// <remarks>
/// Whatever fails is a <see cref="Common.LightningException"/> that names server and model and quotes what the server says of it, without
/// the key. A conversation id is not sent: every request carries its whole conversation.
/// </remarks>
public sealed class OpenAiChatClient : IChatClient
{
    private readonly OpenAiOptions _options;
    private readonly TimeProvider _clock;
    private readonly ChatClientMetadata _metadata;
    private readonly HttpClient _http;
    private readonly HttpClientPipelineTransport _transport;
    private readonly OpenAIClientOptions _clientOptions;
    private readonly ApiKeyCredential _key;

    /// <exception cref="Common.LightningException">An option is wrong.</exception>
    public OpenAiChatClient(OpenAiOptions options, TimeProvider? clock = null)
    {
        options.Validate();
        (_options, _clock) = (options, clock ?? TimeProvider.System);
        _metadata = new ChatClientMetadata("openai", options.BaseUrl, options.Model);
        // A redirect would take the key and the conversation somewhere else.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _transport = new HttpClientPipelineTransport(_http);
        _key = new ApiKeyCredential(options.ApiKey ?? "none");
        _clientOptions = new OpenAIClientOptions
        {
            Endpoint = options.BaseUrl,
            NetworkTimeout = Timeout.InfiniteTimeSpan,
            RetryPolicy = new ClientRetryPolicy(options.Retries),
            Transport = _transport,
            ClientLoggingOptions = new ClientLoggingOptions { EnableLogging = false },
        };
        if (options.ApiKey is null)
        {
            _clientOptions.AddPolicy(new NoKeyPolicy(), PipelinePosition.BeforeTransport);
        }
    }

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(messages);
        var (client, model, request) = (ClientOf(options), ModelOf(options), OpenAiRequest.OptionsOf(options, _options.BaseUrl));
        var sent = OpenAiRequest.MessagesOf(messages, options);
        using var limit = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var completion = await client.CompleteChatAsync(sent, request, either.Token).ConfigureAwait(false);
            return OpenAiResponse.Read(completion.Value);
        }
        catch (Exception e)
            when (OpenAiErrors.Of(e, _options, model, limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
                    is { } error
            )
        {
            throw error;
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(messages);
        var (client, model, request) = (ClientOf(options), ModelOf(options), OpenAiRequest.OptionsOf(options, _options.BaseUrl));
        var sent = OpenAiRequest.MessagesOf(messages, options);
        using var limit = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var answer = new OpenAiStream();
        var updates = client.CompleteChatStreamingAsync(sent, request, either.Token).GetAsyncEnumerator(either.Token);
        await using (updates.ConfigureAwait(false))
        {
            while (await NextAsync().ConfigureAwait(false))
            {
                yield return answer.Read(updates.Current);
                limit.CancelAfter(_options.Timeout);
            }
        }

        if (answer.End(_options, model) is { } last)
        {
            yield return last;
        }

        async Task<bool> NextAsync()
        {
            try
            {
                return await updates.MoveNextAsync().ConfigureAwait(false);
            }
            catch (Exception e)
                when (OpenAiErrors.Of(e, _options, model, limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
                        is { } error
                )
            {
                throw error;
            }
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? _metadata
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
        _transport.Dispose();
        _http.Dispose();
    }

    private string ModelOf(ChatOptions? options) => options?.ModelId ?? _options.Model;

    private ChatClient ClientOf(ChatOptions? options) => new(ModelOf(options), _key, _clientOptions);

    /// <summary>The library always sends a key; a server that asks for none gets none.</summary>
    private sealed class NoKeyPolicy : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Remove("Authorization");
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Remove("Authorization");
            return ProcessNextAsync(message, pipeline, currentIndex);
        }
    }
}
